import { useMutation } from "@tanstack/react-query";

import { useApi } from "../../backend/hooks";
import { useTexts } from "../../shared/i18n";
import { Badge, Button, Trouble } from "../../shared/ui/parts";
import { verified } from "./proof";

/** Fetches a record's proof and checks it in this browser. */
export function Verify({ seq }: { seq: number }) {
  const texts = useTexts();
  const api = useApi();
  const check = useMutation({
    mutationFn: async () => {
      const [proof, page] = await Promise.all([
        api.file(`/v1/ledger/${seq}/proof`).then((file) => file.text()),
        api.get("/v1/ledger/checkpoints", { query: { limit: 1 } }),
      ]);
      return verified(
        proof,
        page.keys.map((one) => one.key),
      );
    },
  });
  if (check.data?.holds === true) return <Badge tone="good">{texts.audit.holds(check.data.size)}</Badge>;
  if (check.data?.holds === false) return <Badge tone="bad">{texts.audit.fails[check.data.why]}</Badge>;
  return (
    <>
      <Button compact disabled={check.isPending} onClick={() => check.mutate()} aria-label={texts.audit.verifyOne(seq)}>
        {texts.audit.verify}
      </Button>
      <Trouble error={check.error} />
    </>
  );
}
