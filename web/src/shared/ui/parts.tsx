import { useId, type ButtonHTMLAttributes, type InputHTMLAttributes, type ReactNode } from "react";

import { Refused } from "../../backend/ask";
import { useTexts } from "../i18n";

type Kind = "main" | "plain" | "danger" | "";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  compact?: boolean;
}

/** A button that does nothing to a form unless it is told to. */
export function Button({ kind = "", compact = false, type = "button", ...rest }: ButtonProps) {
  return <button {...rest} type={type} className={`button ${kind} ${compact ? "compact" : ""}`} />;
}

/** A link that looks like a button. */
export function LinkButton({ href, kind = "", children }: { href: string; kind?: Kind; children: ReactNode }) {
  return (
    <a className={`button ${kind}`} href={href}>
      {children}
    </a>
  );
}

interface FieldProps {
  label: string;
  hint?: string;
  fault?: string;
  children: (wiring: { id: string; "aria-describedby": string; "aria-invalid": boolean; className: string }) => ReactNode;
}

/** A label, what is given below it, and what is wrong with that. */
export function Field({ label, hint = "", fault = "", children }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": `${id}-said`, "aria-invalid": fault !== "", className: "input" })}
      <span id={`${id}-said`} className={fault === "" ? "hint" : "fault"}>
        {fault === "" ? hint : fault}
      </span>
    </div>
  );
}

interface TextFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "className"> {
  label: string;
  hint?: string;
  fault?: string;
}

/** A field of one line. */
export function TextField({ label, hint, fault, ...rest }: TextFieldProps) {
  return (
    <Field label={label} {...(hint === undefined ? {} : { hint })} {...(fault === undefined ? {} : { fault })}>
      {(wiring) => <input {...rest} {...wiring} />}
    </Field>
  );
}

/** One choice of a few. */
export function Choice<T extends string>(props: {
  label: string;
  hint?: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}) {
  return (
    <Field label={props.label} {...(props.hint === undefined ? {} : { hint: props.hint })}>
      {(wiring) => (
        <select
          {...wiring}
          value={props.value}
          onChange={(event) => {
            const found = props.options.find(([value]) => value === event.target.value);
            if (found) props.onChange(found[0]);
          }}
        >
          {props.options.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** A box to tick. */
export function Check(props: { label: string; hint?: string; checked: boolean; onChange: (on: boolean) => void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={props.checked} onChange={(event) => props.onChange(event.target.checked)} />
      <span>
        {props.label}
        {props.hint !== undefined && <span className="quiet small"> {props.hint}</span>}
      </span>
    </label>
  );
}

export type Tone = "" | "good" | "wait" | "bad" | "accent";

export function Badge({ tone = "", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}

/** What went wrong, in the hub's own words; nothing when nothing did. */
export function Trouble({ error }: { error: unknown }) {
  const texts = useTexts();
  if (error === null || error === undefined || error === "") return null;
  const words = typeof error === "string" ? error : error instanceof Refused ? error.message : texts.unreachable;
  return (
    <p className="problem" role="alert">
      {words}
    </p>
  );
}

/** What will be here, and the first step. */
export function Empty({ title, words, children }: { title: string; words: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p>{words}</p>
      {children}
    </div>
  );
}

/** The shape of what is on its way. */
export function Waiting({ lines = 3 }: { lines?: number }) {
  const texts = useTexts();
  return (
    <div className="stack" role="status" aria-label={texts.loading}>
      {Array.from({ length: lines }, (_, at) => (
        <div key={at} className="skeleton" />
      ))}
    </div>
  );
}

/** A face: the agent's picture, or its first letters. */
export function Avatar({ name, picture = "" }: { name: string; picture?: string }) {
  if (picture.startsWith("data:image/")) return <img className="avatar" src={picture} alt="" />;
  const letters = name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => word.slice(0, 1).toUpperCase())
    .join("");
  return (
    <span className="avatar" aria-hidden="true">
      {letters}
    </span>
  );
}

/** On a phone the tabs are wider than the screen: the one where one is comes into it. */
function intoView(tab: HTMLElement | null): void {
  tab?.scrollIntoView({ block: "nearest", inline: "center" });
}

/** Links to parts of one thing. */
export function Tabs(props: { label: string; current: string; items: readonly (readonly [string, string, string])[] }) {
  return (
    <nav className="tabs" aria-label={props.label}>
      {props.items.map(([name, words, href]) => (
        <a
          key={name}
          ref={name === props.current ? intoView : undefined}
          href={href}
          aria-current={name === props.current ? "page" : undefined}
        >
          {words}
        </a>
      ))}
    </nav>
  );
}

interface TableProps {
  label: string;
  heads: readonly string[];
  /** Columns of figures, by place: their heads stand above them, at the right. */
  figures?: readonly number[];
  children: ReactNode;
}

/** A table that scrolls within its frame when it is wider than the screen. */
export function Table(props: TableProps) {
  return (
    <div className="table-wrap" tabIndex={0} role="region" aria-label={props.label}>
      <table>
        <thead>
          <tr>
            {props.heads.map((head, at) => (
              <th key={head} scope="col" className={props.figures?.includes(at) === true ? "figure" : ""}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}
