import { useEffect, useState } from "react";

import { useChange, useRead } from "../../backend/hooks";
import { faultsOfAgent } from "../../backend/rules";
import type { AgentOut, McpServer, McpServerOut, McpTool } from "../../backend/types";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { AskFirst } from "../../shared/ui/Dialog";
import { Badge, Button, Choice, Empty, Table, TextField, Trouble, Waiting, type Tone } from "../../shared/ui/parts";
import { useToast } from "../../shared/ui/Toasts";
import { fieldsOf } from "./fields";
import { ListField } from "./small_fields";

const LIST = "/v1/agents/{agent_id}/mcp";
const STALE = [LIST, "/v1/agents", "/v1/agents/{agent_id}", "/v1/agents/{agent_id}/diff", "/v1/agents/{agent_id}/versions"] as const;
/** While a server is being looked at, and else. */
const LOOK_MS = 2000;
const REST_MS = 60_000;
const STANDINGS: Record<McpTool["standing"], Tone> = { approved: "good", new: "wait", changed: "bad", gone: "bad", not_listed: "" };
const STATES: Record<string, Tone> = { ready: "good", asked: "wait", failed: "bad" };

/** Servers of other people's tools: attached, looked at, and each of their tools approved as it was seen. */
export function Mcp({ agent }: { agent: AgentOut }) {
  const texts = useTexts();
  const path = { agent_id: agent.agent_id };
  const [looking, setLooking] = useState(false);
  const servers = useRead(LIST, { path }, { everyMs: looking ? LOOK_MS : REST_MS });
  const active = servers.data?.items ?? [];
  const asked = active.some((one) => one.state === "asked");
  useEffect(() => setLooking(asked), [asked]);
  return (
    <div className="stack">
      <p className="quiet prose">{texts.mcp.words}</p>
      <Trouble error={servers.error} />
      {servers.isPending && <Waiting />}
      {servers.data !== undefined && active.length === 0 && <Empty title={texts.mcp.noneTitle} words={texts.mcp.noneWords} />}
      {active.map((one) => (
        <Server key={one.server} agent={agent} server={one} />
      ))}
      <Attach agent={agent} />
    </div>
  );
}

/** Puts other servers into the agent's draft, and publishes it where nothing else waits in it. */
function useServers(agent: AgentOut, onDone: () => void) {
  const texts = useTexts();
  const toast = useToast();
  const path = { agent_id: agent.agent_id };
  return useChange(
    async (api, change: (before: McpServer[]) => McpServer[]) => {
      let tag = "";
      const given = { path, onTag: (etag: string) => void (tag = etag) };
      const found = agent.has_draft
        ? await api.get("/v1/agents/{agent_id}/draft", given)
        : await api.get("/v1/agents/{agent_id}", given);
      const fields = fieldsOf(found);
      const body = { ...fields, mcp_servers: change(fields.mcp_servers) };
      await api.put("/v1/agents/{agent_id}", { path, body, ifMatch: tag });
      if (!agent.has_draft) await api.post("/v1/agents/{agent_id}/publish", { path, body: {} });
    },
    STALE,
    () => {
      toast(agent.has_draft ? texts.mcp.drafted : texts.agents.published(agent.version + 1));
      onDone();
    },
  );
}

function Attach({ agent }: { agent: AgentOut }) {
  const texts = useTexts();
  const fresh: McpServer = { name: "", transport: "http", url: "", command: [], credential: "", allowed_tools: [], policy: "approval" };
  const [server, setServer] = useState(fresh);
  const [round, setRound] = useState(0);
  const attach = useServers(agent, () => {
    setServer(fresh);
    setRound(round + 1);
  });
  const set = (part: Partial<McpServer>) => setServer({ ...server, ...part });
  const http = server.transport === "http";
  const faults = faultsOfAgent({ profile: { name: "x" }, mcp_servers: [server] });
  const wrong = (field: string, value: string) => (value !== "" && faults.has(`mcp_servers.${field}`) ? texts.form.unfit(value) : "");
  const ready = faults.size === 0 && (http ? server.url !== "" : (server.command ?? []).length > 0);
  return (
    <form
      key={round}
      className="card stack"
      onSubmit={(event) => {
        event.preventDefault();
        attach.mutate((before) => [...before, server]);
      }}
    >
      <h2>{texts.mcp.attach}</h2>
      <div className="columns">
        <TextField
          label={texts.mcp.name}
          hint={texts.mcp.nameHint}
          fault={wrong("name", server.name)}
          value={server.name}
          onChange={(event) => set({ name: event.target.value })}
        />
        <Choice
          label={texts.mcp.transport}
          value={server.transport}
          options={[
            ["http", texts.mcp.transports.http],
            ["stdio", texts.mcp.transports.stdio],
          ]}
          onChange={(transport) => set({ transport, url: "", command: [], credential: "" })}
        />
        {http ? (
          <TextField
            label={texts.mcp.url}
            placeholder="https://"
            fault={wrong("url", server.url ?? "")}
            value={server.url ?? ""}
            onChange={(event) => set({ url: event.target.value })}
          />
        ) : (
          <TextField
            label={texts.mcp.command}
            hint={texts.mcp.commandHint}
            value={(server.command ?? []).join(" ")}
            onChange={(event) => set({ command: event.target.value.split(" ") })}
            onBlur={() => set({ command: (server.command ?? []).filter((part) => part !== "") })}
          />
        )}
        {http && (
          <TextField
            label={texts.mcp.credential}
            hint={texts.mcp.credentialHint}
            fault={wrong("credential", server.credential ?? "")}
            value={server.credential ?? ""}
            onChange={(event) => set({ credential: event.target.value })}
          />
        )}
        <ListField
          label={texts.mcp.tools}
          hint={texts.mcp.toolsHint}
          fault={wrong("allowed_tools", (server.allowed_tools ?? []).join(", "))}
          value={server.allowed_tools ?? []}
          onChange={(allowed_tools) => set({ allowed_tools })}
        />
        <Choice
          label={texts.mcp.policy}
          value={typeof server.policy === "string" ? server.policy : "approval"}
          options={[
            ["approval", texts.mcp.policies.approval],
            ["rate_limited", texts.mcp.policies.rate_limited],
          ]}
          onChange={(policy) => set({ policy })}
        />
      </div>
      <Trouble error={attach.error} />
      <div className="row">
        <Button kind="main" type="submit" disabled={!ready || attach.isPending}>
          {agent.has_draft ? texts.mcp.intoDraft : texts.mcp.attachNow(agent.version + 1)}
        </Button>
      </div>
    </form>
  );
}

function Server({ agent, server }: { agent: AgentOut; server: McpServerOut }) {
  const texts = useTexts();
  const format = useFormat();
  const [asks, setAsks] = useState(false);
  const path = { agent_id: agent.agent_id, server: server.server };
  const look = useChange((api, _: void) => api.post("/v1/agents/{agent_id}/mcp/{server}/look", { path }), [LIST]);
  const detach = useServers(agent, () => setAsks(false));
  return (
    <section className="card stack" aria-label={server.server}>
      <div className="row spread">
        <h2>{server.server}</h2>
        <span className="row">
          <Badge>{texts.mcp.transports[server.transport === "http" ? "http" : "stdio"]}</Badge>
          <Badge tone={STATES[server.state ?? ""] ?? ""}>{texts.mcp.states[server.state ?? "never"]}</Badge>
        </span>
      </div>
      {server.looked_at !== null && <p className="quiet small">{texts.mcp.looked(format.moment(server.looked_at))}</p>}
      <Trouble error={server.error} />
      <Trouble error={look.error} />
      {server.tools.length > 0 && <Tools agent={agent} path={path} tools={server.tools} />}
      <div className="row">
        <Button disabled={look.isPending || server.state === "asked"} onClick={() => look.mutate()}>
          {texts.mcp.look}
        </Button>
        <Button kind="danger" onClick={() => setAsks(true)}>
          {texts.mcp.detach}
        </Button>
      </div>
      {asks && (
        <AskFirst
          title={texts.mcp.detachTitle(server.server)}
          words={texts.mcp.detachWords}
          action={texts.mcp.detach}
          busy={detach.isPending}
          error={detach.error}
          onYes={() => detach.mutate((before) => before.filter((one) => one.name !== server.server))}
          onNo={() => setAsks(false)}
        />
      )}
    </section>
  );
}

interface ToolsProps {
  agent: AgentOut;
  path: { agent_id: string; server: string };
  tools: readonly McpTool[];
}

function Tools({ agent, path, tools }: ToolsProps) {
  const texts = useTexts();
  const list = useServers(agent, () => undefined);
  const route = "/v1/agents/{agent_id}/mcp/{server}/tools/{tool}/approval";
  const approve = useChange(
    (api, one: McpTool) => api.put(route, { path: { ...path, tool: one.tool }, body: { digest: one.digest } }),
    [LIST],
  );
  const withdraw = useChange((api, one: McpTool) => api.delete(route, { path: { ...path, tool: one.tool } }), [LIST]);
  const busy = approve.isPending || withdraw.isPending || list.isPending;
  const listed = (tool: string) => (before: McpServer[]) =>
    before.map((one) => (one.name === path.server ? { ...one, allowed_tools: [...(one.allowed_tools ?? []), tool] } : one));
  return (
    <>
      <Table label={texts.mcp.toolsOf(path.server)} heads={[texts.mcp.tool, texts.mcp.says, texts.mcp.standing, texts.actions]}>
        {tools.map((one) => (
          <tr key={one.tool}>
            <td>
              <code>{one.tool}</code>
              <p className="quiet small">
                <code>{one.digest.slice(0, 12)}</code>
              </p>
            </td>
            <td>{one.description}</td>
            <td>
              <Badge tone={STANDINGS[one.standing]}>{texts.mcp.standings[one.standing]}</Badge>
            </td>
            <td>
              <span className="row">
                {one.standing === "not_listed" && (
                  <Button compact disabled={busy} onClick={() => list.mutate(listed(one.tool))}>
                    {texts.mcp.list}
                  </Button>
                )}
                {(one.standing === "new" || one.standing === "changed") && (
                  <Button compact disabled={busy} onClick={() => approve.mutate(one)}>
                    {one.standing === "new" ? texts.mcp.approve : texts.mcp.approveAgain}
                  </Button>
                )}
                {(one.standing === "approved" || one.standing === "changed" || one.standing === "gone") && (
                  <Button compact kind="danger" disabled={busy} onClick={() => withdraw.mutate(one)}>
                    {texts.mcp.withdraw}
                  </Button>
                )}
              </span>
            </td>
          </tr>
        ))}
      </Table>
      <Trouble error={approve.error ?? withdraw.error ?? list.error} />
    </>
  );
}

/** Whether an agent's servers have a tool that is not what was approved. */
export function useChangedTools(agentId: string): boolean {
  const found = useRead(LIST, { path: { agent_id: agentId } });
  return found.data?.items.some((one) => one.tools.some((tool) => tool.standing === "changed")) ?? false;
}
