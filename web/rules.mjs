// Takes out of the API's description what an agent's fields must fit, for the forms to check while one writes.
import { readFileSync, writeFileSync } from "node:fs";

const { schemas } = JSON.parse(readFileSync("openapi.json", "utf8")).components;
const taken = {};

function take(name) {
  if (name in taken) return;
  taken[name] = schemas[name];
  for (const [, other] of JSON.stringify(schemas[name]).matchAll(/"#\/components\/schemas\/(\w+)"/g)) take(other);
}

take("AgentFields");
const rules = { $ref: "#/components/schemas/AgentFields", components: { schemas: taken } };
writeFileSync("src/backend/generated/rules.json", JSON.stringify(rules));
