// Runs the pages' own check of proofs: JSON of [proof, keys] pairs comes in, JSON of verdicts goes out.
import { readFileSync } from "node:fs";

import { verified } from "../../../web/src/features/governance/proof.ts";

const asked = JSON.parse(readFileSync(0, "utf8")) as [string, string[]][];
console.log(JSON.stringify(await Promise.all(asked.map(([text, keys]) => verified(text, keys)))));
