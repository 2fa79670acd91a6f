// Names for what the pages use of the generated types.
import type { components } from "./generated/schema";

type Schemas = components["schemas"];

export type Session = Schemas["Session"];
export type Problem = Schemas["Problem"];
export type AgentInList = Schemas["AgentInList"];
export type AgentOut = Schemas["AgentOut"];
export type DraftOut = Schemas["DraftOut"];
export type AgentFields = Schemas["AgentFields"];
export type Tool = Schemas["Tool"];
export type Template = Schemas["TemplateOut"];
export type Approval = Schemas["ApprovalOut"];
export type Organisation = Schemas["OrganisationOut"];
export type OrgRole = Schemas["OrgRole"];
export type LedgerRecord = Schemas["LedgerRecordOut"];
export type Preferences = Schemas["Preferences"];
export type DiffOut = Schemas["DiffOut"];
export type DocumentState = Schemas["DocumentState"];
export type DayUse = Schemas["DayUseOut"];
export type McpServer = Schemas["McpServer"];
export type McpServerOut = Schemas["McpServerOut"];
export type McpTool = Schemas["McpToolOut"];
export type PeerOut = Schemas["PeerOut"];
export type HubOut = Schemas["HubOut"];
export type WorkerList = Schemas["WorkerList"];
