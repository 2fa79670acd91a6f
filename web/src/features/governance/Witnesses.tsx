import { useRead } from "../../backend/hooks";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { Badge, Table, Trouble, Waiting } from "../../shared/ui/parts";

/** Hubs that vouch for this one's ledger, and those for whose it vouches; loudly, when one was written anew. */
export function Witnesses() {
  const texts = useTexts();
  const format = useFormat();
  const read = useRead("/v1/ledger/witnesses");
  const found = read.data;
  return (
    <section className="stack">
      <h2>{texts.witnesses.title}</h2>
      <p className="quiet prose">{texts.witnesses.words}</p>
      <Trouble error={read.error} />
      {read.isPending && <Waiting />}
      {found?.doubts.map((one) => (
        <p key={`${one.domain} ${one.said_at}`} className="problem">
          {texts.witnesses.doubted(one.domain, format.number(one.size), format.moment(one.said_at))}
        </p>
      ))}
      {found?.cosigned.length === 0 && <p className="quiet">{texts.witnesses.none}</p>}
      {found !== undefined && found.cosigned.length > 0 && (
        <Table label={texts.witnesses.ours} figures={[1]} heads={[texts.witnesses.witness, texts.witnesses.upTo, texts.witnesses.signed]}>
          {found.cosigned.map((one) => (
            <tr key={one.witness}>
              <td>
                {one.witness.split("/")[0]}
                <code className="details">{one.witness}</code>
              </td>
              <td className="figure">{format.number(one.size)}</td>
              <td>{format.moment(one.signed_at)}</td>
            </tr>
          ))}
        </Table>
      )}
      {found !== undefined && found.seen.length > 0 && (
        <Table label={texts.witnesses.theirs} figures={[1]} heads={[texts.witnesses.log, texts.witnesses.upTo, texts.witnesses.seen, texts.witnesses.state]}>
          {found.seen.map((one) => (
            <tr key={one.origin}>
              <td>{one.domain}</td>
              <td className="figure">{format.number(one.size)}</td>
              <td>{format.moment(one.seen_at)}</td>
              <td>
                {one.forked_at === null ? (
                  <Badge tone="good">{texts.witnesses.goesOn}</Badge>
                ) : (
                  <Badge tone="bad">{texts.witnesses.rewritten(format.moment(one.forked_at))}</Badge>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
