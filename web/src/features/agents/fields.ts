import type { AgentFields, AgentOut, DraftOut, Tool } from "../../backend/types";
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

/** What is wrong, by field; the hub checks it all again. */
export function faultsOf(fields: Fields, texts: Texts): Record<string, string> {
  const { profile, llm_config: model, governance, memory_config: memory } = fields;
  const faults: Record<string, string> = {};
  const within = (name: string, value: number | undefined, least: number, most: number) => {
    if (value !== undefined && (Number.isNaN(value) || value < least || value > most)) {
      faults[name] = texts.form.between(least, most);
    }
  };
  if (profile.name.trim() === "") faults.name = texts.form.needed;
  if (profile.name.length > 100) faults.name = texts.form.longest(100);
  if ((profile.description ?? "").length > 2000) faults.description = texts.form.longest(2000);
  if ((profile.system_prompt ?? "").length > 32768) faults.prompt = texts.form.longest(32768);
  within("temperature", model.temperature, 0, 2);
  within("maxTokens", model.max_tokens, 1, 1_000_000);
  within("priority", fields.capabilities.priority_weight, 0, 1);
  within("shortTerm", memory.short_term_limit, 0, 100);
  within("retention", memory.retention_days, 1, 3650);
  within("perMinute", governance.max_tokens_per_minute, 1, 1_000_000_000);
  within("perDay", governance.max_tokens_per_day, 1, 1_000_000_000_000);
  within("memoryMb", governance.max_memory_mb, 0, 1_000_000);
  within("concurrent", governance.max_concurrent, 1, 1000);
  within("workerMs", governance.max_worker_ms, 100, 600_000);
  return faults;
}
