import { useTexts } from "../../shared/i18n";
import { to } from "../../shared/router";
import { Tabs } from "../../shared/ui/parts";
import { Audit } from "./Audit";
import { Credentials } from "./Credentials";
import "./governance.css";
import { Organisations } from "./Organisations";
import { Usage } from "./Usage";
import { Workers } from "./Workers";

const PARTS = ["usage", "audit", "credentials", "organisations", "workers"] as const;

/** What was used, what was decided, and by which means the agents work. */
export default function GovernanceScreen({ part }: { part: string }) {
  const texts = useTexts();
  const current = PARTS.find((one) => one === part) ?? "usage";
  return (
    <div className="screen">
      <header>
        <h1>{texts.nav.governance}</h1>
      </header>
      <Tabs
        label={texts.nav.governance}
        current={current}
        items={PARTS.map((one) => [one, texts.governance.parts[one], to("governance", one)])}
      />
      {current === "usage" && <Usage />}
      {current === "audit" && <Audit />}
      {current === "credentials" && <Credentials />}
      {current === "organisations" && <Organisations />}
      {current === "workers" && <Workers />}
    </div>
  );
}
