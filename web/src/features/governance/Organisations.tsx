import { useState } from "react";

import { useChange, useRead, useSigned } from "../../backend/hooks";
import type { Organisation, OrgRole } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { Badge, Button, Choice, Empty, Table, TextField, Trouble, Waiting } from "../../shared/ui/parts";
import { useToast } from "../../shared/ui/Toasts";

const ROLES = ["member", "approver", "auditor", "admin", "owner"] as const;
const ONE = "/v1/organisations/{organisation_id}";
const INVITATIONS = "/v1/organisations/{organisation_id}/invitations";

/** Organisations of the person: so that a second person can approve. */
export function Organisations() {
  const texts = useTexts();
  const [name, setName] = useState("");
  const organisations = useRead("/v1/organisations");
  const found = useChange(
    (api, called: string) => api.post("/v1/organisations", { body: { name: called } }),
    ["/v1/organisations"],
    () => setName(""),
  );
  const items = organisations.data?.items ?? [];
  return (
    <div className="stack">
      <Trouble error={organisations.error} />
      {organisations.isPending && <Waiting />}
      {organisations.data !== undefined && items.length === 0 && (
        <Empty title={texts.organisations.noneTitle} words={texts.organisations.noneWords} />
      )}
      {items.map((one) => (
        <One key={one.id} organisation={one} />
      ))}
      <form
        className="card stack"
        onSubmit={(event) => {
          event.preventDefault();
          found.mutate(name.trim());
        }}
      >
        <TextField label={texts.organisations.name} value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />
        <Trouble error={found.error} />
        <div className="row">
          <Button type="submit" disabled={found.isPending || name.trim() === ""}>
            {texts.organisations.found}
          </Button>
        </div>
      </form>
    </div>
  );
}

function One({ organisation }: { organisation: Organisation }) {
  const texts = useTexts();
  const { session } = useSigned();
  const path = { organisation_id: organisation.id };
  const rules = organisation.role === "owner" || organisation.role === "admin";
  const detail = useRead(ONE, { path });
  const role = useChange(
    (api, asked: { user: string; role: OrgRole }) =>
      api.put("/v1/organisations/{organisation_id}/members/{user_id}", {
        path: { ...path, user_id: asked.user },
        body: { role: asked.role },
      }),
    [ONE],
  );
  const remove = useChange(
    (api, user: string) =>
      api.delete("/v1/organisations/{organisation_id}/members/{user_id}", { path: { ...path, user_id: user } }),
    [ONE, "/v1/organisations"],
  );
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{organisation.name}</h2>
        <Badge tone="accent">{texts.organisations.roles[organisation.role]}</Badge>
      </div>
      <Trouble error={detail.error ?? role.error ?? remove.error} />
      {detail.data !== undefined && (
        <Table label={organisation.name} heads={[texts.organisations.member, texts.organisations.role, texts.actions]}>
          {detail.data.members.map((one) => (
            <tr key={one.user_id}>
              <td>{one.jid}</td>
              <td>
                {rules && one.user_id !== session.user_id ? (
                  <select
                    className="input"
                    aria-label={texts.organisations.roleOf(one.jid)}
                    value={one.role}
                    onChange={(event) => {
                      const chosen = ROLES.find((name) => name === event.target.value);
                      if (chosen) role.mutate({ user: one.user_id, role: chosen });
                    }}
                  >
                    {ROLES.map((name) => (
                      <option key={name} value={name}>
                        {texts.organisations.roles[name]}
                      </option>
                    ))}
                  </select>
                ) : (
                  texts.organisations.roles[one.role]
                )}
              </td>
              <td>
                {(rules || one.user_id === session.user_id) && (
                  <Button compact kind="danger" onClick={() => remove.mutate(one.user_id)}>
                    {one.user_id === session.user_id ? texts.organisations.leave : texts.organisations.remove}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {rules && <Invitations id={organisation.id} />}
    </section>
  );
}

function Invitations({ id }: { id: string }) {
  const texts = useTexts();
  const toast = useToast();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<OrgRole>("member");
  const path = { organisation_id: id };
  const invitations = useRead(INVITATIONS, { path });
  const invite = useChange(
    (api, to: string) => api.post(INVITATIONS, { path, body: { email: to, role } }),
    [INVITATIONS],
    () => {
      toast(texts.organisations.invited(email));
      setEmail("");
    },
  );
  const take = useChange(
    (api, invitation: string) =>
      api.delete("/v1/organisations/{organisation_id}/invitations/{invitation_id}", {
        path: { ...path, invitation_id: invitation },
      }),
    [INVITATIONS],
  );
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        invite.mutate(email.trim());
      }}
    >
      <div className="columns">
        <TextField label={texts.email} type="email" value={email} onChange={(event) => setEmail(event.target.value)} />
        <Choice label={texts.organisations.role} value={role} options={ROLES.map((one) => [one, texts.organisations.roles[one]])} onChange={setRole} />
      </div>
      <Trouble error={invite.error ?? invitations.error ?? take.error} />
      <div className="row">
        <Button type="submit" disabled={invite.isPending || email.trim() === ""}>
          {texts.organisations.invite}
        </Button>
      </div>
      <ul className="list">
        {invitations.data?.items.map((one) => (
          <li key={one.id} className="row spread">
            <span>
              {one.email} <Badge tone="wait">{texts.organisations.roles[one.role]}</Badge>
            </span>
            <Button compact kind="danger" onClick={() => take.mutate(one.id)}>
              {texts.organisations.takeBack}
            </Button>
          </li>
        ))}
      </ul>
    </form>
  );
}
