import { useRead } from "../../backend/hooks";
import { useTexts } from "../../shared/i18n";
import { to } from "../../shared/router";
import { Tabs } from "../../shared/ui/parts";
import { Audit } from "./Audit";
import { Credentials } from "./Credentials";
import "./governance.css";
import { Organisations } from "./Organisations";
import { Peers } from "./Peers";
import { Usage } from "./Usage";
import { Workers } from "./Workers";

const PARTS = ["usage", "audit", "credentials", "organisations", "workers"] as const;
type Part = (typeof PARTS)[number] | "peers";

/** What was used, what was decided, and by which means the agents work. Peers are for those who have a role on the hub. */
export default function GovernanceScreen({ part, one }: { part: string; one: string }) {
  const texts = useTexts();
  const role = useRead("/v1/account").data?.hub_role ?? null;
  const parts: readonly Part[] = role === null ? PARTS : [...PARTS, "peers"];
  const current = parts.find((name) => name === part) ?? "usage";
  return (
    <div className="screen">
      <header>
        <h1>{texts.nav.governance}</h1>
      </header>
      <Tabs
        label={texts.nav.governance}
        current={current}
        items={parts.map((name) => [name, texts.governance.parts[name], to("governance", name)])}
      />
      {current === "usage" && <Usage />}
      {current === "audit" && <Audit seq={one} />}
      {current === "credentials" && <Credentials />}
      {current === "organisations" && <Organisations />}
      {current === "workers" && <Workers />}
      {current === "peers" && <Peers mayChange={role === "hub_admin"} />}
    </div>
  );
}
