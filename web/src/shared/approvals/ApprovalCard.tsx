import { useChange } from "../../backend/hooks";
import type { Approval } from "../../backend/types";
import { useFormat } from "../format";
import { useTexts } from "../i18n";
import { Badge, Button, Trouble } from "../ui/parts";

/** A call that waits. All that is shown comes from the call itself, never from what a model says of it. */
export function ApprovalCard({ approval }: { approval: Approval }) {
  const texts = useTexts();
  const format = useFormat();
  const { shown } = approval;
  const decide = useChange(
    (api, yes: boolean) => {
      const given = { path: { approval_id: approval.id }, body: { digest: approval.digest } };
      return yes
        ? api.post("/v1/approvals/{approval_id}/approve", given)
        : api.post("/v1/approvals/{approval_id}/deny", given);
    },
    ["/v1/approvals"],
  );
  return (
    <section className="card stack" aria-label={texts.approvals.waits(shown.tool)}>
      <div className="row spread">
        <h2>{texts.approvals.waits(shown.tool)}</h2>
        <span className="row">
          <Badge tone={shown.risk === "low" ? "good" : shown.risk === "medium" ? "wait" : "bad"}>
            {texts.approvals.risk(shown.risk)}
          </Badge>
          <Badge>{approval.kind === "confirm" ? texts.approvals.confirm : texts.approvals.fourEyes}</Badge>
        </span>
      </div>
      <dl className="facts">
        {shown.arguments.map(([name, value]) => (
          <div key={String(name)} className="contents">
            <dt>{String(name)}</dt>
            <dd>
              <code>{String(value)}</code>
            </dd>
          </div>
        ))}
        <dt>{texts.approvals.undo}</dt>
        <dd>{shown.reversible}</dd>
        <dt>{texts.approvals.leaving}</dt>
        <dd>{shown.leaving}</dd>
        {shown.recipients.length > 0 && (
          <>
            <dt>{texts.approvals.recipients}</dt>
            <dd>{shown.recipients.join(", ")}</dd>
          </>
        )}
        <dt>{texts.approvals.cost}</dt>
        <dd>{shown.cost}</dd>
        <dt>{texts.approvals.requester}</dt>
        <dd>{approval.requester}</dd>
        <dt>{texts.approvals.until}</dt>
        <dd>{format.moment(approval.expires_at)}</dd>
      </dl>
      <Trouble error={decide.error} />
      {approval.mine_to_decide ? (
        <div className="row">
          <Button kind="main" disabled={decide.isPending} onClick={() => decide.mutate(true)}>
            {texts.approvals.approve}
          </Button>
          <Button kind="danger" disabled={decide.isPending} onClick={() => decide.mutate(false)}>
            {texts.approvals.deny}
          </Button>
        </div>
      ) : (
        <p className="quiet">{texts.approvals.notMine(approval.agreed, approval.quorum)}</p>
      )}
    </section>
  );
}
