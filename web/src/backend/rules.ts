import { Validator, type OutputUnit, type Schema } from "@cfworker/json-schema";

import rules from "./generated/rules.json";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Rule = { [name: string]: Json };

/** What is wrong with a value, as the API's description has it. */
export type Fault =
  | { kind: "needed" }
  | { kind: "longest"; most: number }
  | { kind: "most"; most: number }
  | { kind: "between"; least: number; most: number }
  | { kind: "form"; value: string };

const OUTER = new Set(["$ref", "properties", "items", "anyOf", "additionalProperties"]);
const validator = new Validator(rules as unknown as Schema, "2020-12", false);

/** The faults of an agent's fields, by the place of the field: "profile.name". The hub judges by the same description. */
export function faultsOfAgent(fields: object): Map<string, Fault> {
  const plain = JSON.parse(JSON.stringify(fields)) as Json; // a number that is none becomes null
  const found = new Map<string, Fault>();
  for (const error of validator.validate(plain).errors) {
    if (OUTER.has(error.keyword)) continue;
    const path = placeOf(error);
    const field = path.filter((part) => !/^\d+$/.test(part)).join(".");
    if (!found.has(field)) found.set(field, faultAt(path, plain, error.keyword));
  }
  return found;
}

function placeOf({ instanceLocation, keyword, error }: OutputUnit): string[] {
  const path = instanceLocation.split("/").slice(1);
  const missing = keyword === "required" ? /"([^"]+)"/.exec(error)?.[1] : undefined;
  return missing === undefined ? path : [...path, missing];
}

function faultAt(path: string[], whole: Json, keyword: string): Fault {
  const value = path.reduce<Json | undefined>((at, part) => inside(at, part), whole);
  const rule = path.reduce<Rule>((at, part) => below(at, part), rules as unknown as Rule);
  const { minimum, maximum, maxLength, maxItems } = resolved(rule);
  if (typeof minimum === "number" && typeof maximum === "number") return { kind: "between", least: minimum, most: maximum };
  if (value === undefined || value === null || value === "") return { kind: "needed" };
  if (keyword === "maxLength" && typeof maxLength === "number") return { kind: "longest", most: maxLength };
  if (keyword === "maxItems" && typeof maxItems === "number") return { kind: "most", most: maxItems };
  return { kind: "form", value: typeof value === "string" ? value : JSON.stringify(value) };
}

function inside(at: Json | undefined, part: string): Json | undefined {
  if (Array.isArray(at)) return at[Number(part)];
  return at !== null && typeof at === "object" ? at[part] : undefined;
}

function below(at: Rule, part: string): Rule {
  const rule = resolved(at);
  const { properties, items } = rule;
  return ((/^\d+$/.test(part) ? items : inside(properties, part)) ?? {}) as Rule;
}

function resolved(rule: Rule): Rule {
  const name = rule.$ref;
  if (typeof name !== "string") return rule;
  return resolved((rules.components.schemas as unknown as Record<string, Rule>)[name.split("/").at(-1) ?? ""] ?? {});
}
