import { useRead } from "../../backend/hooks";
import { ApprovalCard } from "../../shared/approvals/ApprovalCard";
import { useTexts } from "../../shared/i18n";
import { Empty, Trouble, Waiting } from "../../shared/ui/parts";

const LOOK_MS = 5000;

/** Calls that wait for somebody: those the reader may decide first. */
export default function ApprovalsScreen() {
  const texts = useTexts();
  const approvals = useRead("/v1/approvals", {}, { everyMs: LOOK_MS });
  const found = [...(approvals.data?.items ?? [])].sort((a, b) => Number(b.mine_to_decide) - Number(a.mine_to_decide));
  return (
    <div className="screen">
      <header>
        <h1>{texts.nav.approvals}</h1>
      </header>
      <Trouble error={approvals.error} />
      {approvals.isPending && <Waiting lines={4} />}
      {approvals.data !== undefined && found.length === 0 && (
        <Empty title={texts.approvals.noneTitle} words={texts.approvals.noneWords} />
      )}
      {found.map((one) => (
        <ApprovalCard key={one.id} approval={one} />
      ))}
    </div>
  );
}
