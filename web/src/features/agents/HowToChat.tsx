import { useTexts } from "../../shared/i18n";

/** Settings for an XMPP client. */
export function HowToChat({ jid }: { jid: string }) {
  const texts = useTexts();
  const domain = jid.slice(jid.lastIndexOf("@") + 1);
  return (
    <aside className="card" aria-labelledby="chat">
      <h2 id="chat">{texts.chatTitle}</h2>
      <p>{texts.chatIntro}</p>
      <dl>
        <dt>{texts.chatAccount}</dt>
        <dd>
          <code>{jid}</code>
        </dd>
        <dt>{texts.chatPassword}</dt>
        <dd>{texts.chatPasswordHint}</dd>
        <dt>{texts.chatServer}</dt>
        <dd>{texts.chatServerHint(domain)}</dd>
      </dl>
      <p>{texts.chatThen}</p>
      <p className="quiet">{texts.chatCertificate}</p>
    </aside>
  );
}
