import type { AgentFields, AgentOut, DraftOut, Tool } from "../../backend/types";
import { faultsOfAgent, type Fault } from "../../backend/rules";
import type { Texts } from "../../shared/en";

/** All that a person sets of an agent. */
export type Fields = Required<AgentFields>;
/** The tools that the pages offer; `append_line` is for the hub's own tests. */
export type ToolName = Exclude<Tool["name"], "append_line">;

export const TOOLS: readonly ToolName[] = [
  "document_parser",
  "search_api",
  "http_request",
  "code_executor",
  "email_sender",
  "database_query",
  "ask_agent",
];

/** The defaults of the hub (SPEC 2). */
export function fresh(): Fields {
  return {
    profile: { name: "", description: "", system_prompt: "", personality_traits: [], avatar: "" },
    llm_config: {},
    capabilities: {},
    memory_config: {},
    tools: [],
    mcp_servers: [],
    governance: {},
    visibility: "private",
  };
}

/** The fields of an agent as it stands. */
export function fieldsOf(agent: AgentOut | DraftOut): Fields {
  const { profile, llm_config, capabilities, memory_config, tools, mcp_servers, governance, visibility } = agent;
  return { profile, llm_config, capabilities, memory_config, tools, mcp_servers, governance, visibility };
}

/** What is wrong, by the place of the field; the hub checks it all again. */
export function faultsOf(fields: Fields, texts: Texts): Record<string, string> {
  const { profile } = fields;
  const found = faultsOfAgent({ ...fields, profile: { ...profile, name: profile.name.trim() } });
  return Object.fromEntries([...found].map(([field, fault]) => [field, wordsFor(fault, texts)]));
}

function wordsFor(fault: Fault, texts: Texts): string {
  switch (fault.kind) {
    case "needed":
      return texts.form.needed;
    case "longest":
      return texts.form.longest(fault.most);
    case "most":
      return texts.form.most(fault.most);
    case "between":
      return texts.form.between(fault.least, fault.most);
    case "form":
      return texts.form.unfit(fault.value);
  }
}
