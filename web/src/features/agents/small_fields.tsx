import { useState } from "react";

import { TextField } from "../../shared/ui/parts";

/** A figure. Left empty it is not changed from what it was, or `usual`. */
export function NumberField(props: {
  label: string;
  hint?: string | undefined;
  fault: string | undefined;
  value: number | undefined;
  usual?: number | undefined;
  step?: number;
  onChange: (value: number) => void;
}) {
  return (
    <TextField
      label={props.label}
      hint={props.hint ?? ""}
      fault={props.fault ?? ""}
      type="number"
      inputMode="decimal"
      step={props.step ?? 1}
      placeholder={props.usual === undefined ? "" : String(props.usual)}
      value={props.value === undefined || Number.isNaN(props.value) ? "" : props.value}
      onChange={(event) => props.onChange(event.target.valueAsNumber)}
    />
  );
}

/** Words, with commas between them. */
export function ListField(props: {
  label: string;
  hint: string;
  fault?: string | undefined;
  value: readonly string[];
  onChange: (value: string[]) => void;
}) {
  const [text, setText] = useState(props.value.join(", "));
  return (
    <TextField
      label={props.label}
      hint={props.hint}
      fault={props.fault ?? ""}
      value={text}
      onChange={(event) => {
        setText(event.target.value);
        props.onChange(
          event.target.value
            .split(",")
            .map((one) => one.trim())
            .filter((one) => one !== ""),
        );
      }}
    />
  );
}
