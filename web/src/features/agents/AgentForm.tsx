import { useState, type ReactNode } from "react";

import { useTexts } from "../../shared/i18n";
import { Button, Check, Choice, Field, TextField, Trouble } from "../../shared/ui/parts";
import { faultsOf, TOOLS, type Fields, type ToolName } from "./fields";
import { ListField, NumberField } from "./small_fields";

interface Props {
  fields: Fields;
  onChange: (fields: Fields) => void;
  error: unknown;
  actions: ReactNode;
}

/** The sections of SPEC 11.1. What is left empty is as the hub has it. */
export function AgentForm({ fields, onChange, error, actions }: Props) {
  const texts = useTexts();
  const faults = faultsOf(fields, texts);
  return (
    <form className="stack" onSubmit={(event) => event.preventDefault()}>
      <Who fields={fields} onChange={onChange} faults={faults} />
      <Model fields={fields} onChange={onChange} faults={faults} />
      <Tools fields={fields} onChange={onChange} faults={faults} />
      <Memory fields={fields} onChange={onChange} faults={faults} />
      <Limits fields={fields} onChange={onChange} faults={faults} />
      <div className="bottom-bar stack tight">
        {Object.entries(faults)
          .filter(([field]) => field.startsWith("mcp_servers") || field.startsWith("tools"))
          .map(([field, words]) => (
            <Trouble key={field} error={`${field}: ${words}`} />
          ))}
        <Trouble error={error} />
        <div className="row">{actions}</div>
      </div>
    </form>
  );
}

interface SectionProps {
  fields: Fields;
  onChange: (fields: Fields) => void;
  faults: Record<string, string>;
}

function Section({ title, words, children }: { title: string; words: string; children: ReactNode }) {
  return (
    <fieldset className="card">
      <legend className="sr-only">{title}</legend>
      <div aria-hidden="true">
        <h2>{title}</h2>
      </div>
      <p className="quiet">{words}</p>
      {children}
    </fieldset>
  );
}

function Who({ fields, onChange, faults }: SectionProps) {
  const texts = useTexts();
  const { profile } = fields;
  const [shown, setShown] = useState(false);
  const set = (part: Partial<Fields["profile"]>) => onChange({ ...fields, profile: { ...profile, ...part } });
  return (
    <Section title={texts.form.who} words={texts.form.whoWords}>
      <TextField
        label={texts.agents.name}
        fault={faults["profile.name"] ?? ""}
        value={profile.name}
        onChange={(event) => set({ name: event.target.value })}
      />
      <Field label={texts.form.description} hint={texts.form.descriptionHint} fault={faults["profile.description"] ?? ""}>
        {(wiring) => (
          <textarea
            {...wiring}
            value={profile.description ?? ""}
            onChange={(event) => set({ description: event.target.value })}
          />
        )}
      </Field>
      {shown ? (
        <Field label={texts.form.prompt} hint={texts.form.promptHint} fault={faults["profile.system_prompt"] ?? ""}>
          {(wiring) => (
            <textarea
              {...wiring}
              rows={10}
              value={profile.system_prompt ?? ""}
              onChange={(event) => set({ system_prompt: event.target.value })}
            />
          )}
        </Field>
      ) : (
        <div>
          <Button onClick={() => setShown(true)}>{texts.form.showPrompt}</Button>
        </div>
      )}
      <ListField
        label={texts.form.traits}
        hint={texts.form.commas}
        fault={faults["profile.personality_traits"]}
        value={profile.personality_traits ?? []}
        onChange={(personality_traits) => set({ personality_traits })}
      />
      <Choice
        label={texts.form.visibility}
        hint={texts.form.visibilityHint[fields.visibility]}
        value={fields.visibility}
        options={[
          ["private", texts.visibility.private],
          ["shared", texts.visibility.shared],
          ["public", texts.visibility.public],
        ]}
        onChange={(visibility) => onChange({ ...fields, visibility })}
      />
    </Section>
  );
}

function Model({ fields, onChange, faults }: SectionProps) {
  const texts = useTexts();
  const model = fields.llm_config;
  const set = (part: Partial<Fields["llm_config"]>) => onChange({ ...fields, llm_config: { ...model, ...part } });
  return (
    <Section title={texts.form.model} words={texts.form.modelWords}>
      <div className="columns">
        <TextField
          label={texts.form.provider}
          fault={faults["llm_config.provider"] ?? ""}
          value={model.provider ?? ""}
          placeholder={texts.form.hubs}
          onChange={(event) => set({ provider: event.target.value })}
        />
        <TextField
          label={texts.form.modelName}
          fault={faults["llm_config.model"] ?? ""}
          value={model.model ?? ""}
          placeholder={texts.form.hubs}
          onChange={(event) => set({ model: event.target.value })}
        />
        <NumberField
          label={texts.form.temperature}
          hint={texts.form.temperatureHint}
          fault={faults["llm_config.temperature"]}
          value={model.temperature}
          usual={0.7}
          step={0.1}
          onChange={(temperature) => set({ temperature })}
        />
        <NumberField
          label={texts.form.maxTokens}
          fault={faults["llm_config.max_tokens"]}
          value={model.max_tokens}
          usual={4096}
          onChange={(max_tokens) => set({ max_tokens })}
        />
      </div>
    </Section>
  );
}

function Tools({ fields, onChange, faults }: SectionProps) {
  const texts = useTexts();
  const has = (name: ToolName) => fields.tools.some((one) => one.name === name);
  const set = (name: ToolName, on: boolean) => {
    const others = fields.tools.filter((one) => one.name !== name);
    onChange({ ...fields, tools: on ? [...others, { name }] : others });
  };
  return (
    <Section title={texts.form.tools} words={texts.form.toolsWords}>
      {TOOLS.map((name) => (
        <Check
          key={name}
          label={texts.tools[name].name}
          hint={texts.tools[name].policy}
          checked={has(name)}
          onChange={(on) => set(name, on)}
        />
      ))}
      <ListField
        label={texts.form.domains}
        hint={texts.form.domainsHint}
        fault={faults["governance.allowed_domains"]}
        value={fields.governance.allowed_domains ?? []}
        onChange={(allowed_domains) => onChange({ ...fields, governance: { ...fields.governance, allowed_domains } })}
      />
    </Section>
  );
}

function Memory({ fields, onChange, faults }: SectionProps) {
  const texts = useTexts();
  const memory = fields.memory_config;
  const set = (part: Partial<Fields["memory_config"]>) =>
    onChange({ ...fields, memory_config: { ...memory, ...part } });
  return (
    <Section title={texts.form.memory} words={texts.form.memoryWords}>
      <div className="columns">
        <Choice
          label={texts.form.memoryKind}
          value={memory.type ?? "hybrid"}
          options={[
            ["hybrid", texts.form.memoryKinds.hybrid],
            ["short_term", texts.form.memoryKinds.short_term],
            ["long_term", texts.form.memoryKinds.long_term],
          ]}
          onChange={(type) => set({ type })}
        />
        <NumberField
          label={texts.form.shortTerm}
          fault={faults["memory_config.short_term_limit"]}
          value={memory.short_term_limit}
          usual={10}
          onChange={(short_term_limit) => set({ short_term_limit })}
        />
        <NumberField
          label={texts.form.retention}
          fault={faults["memory_config.retention_days"]}
          value={memory.retention_days}
          onChange={(retention_days) => set({ retention_days })}
        />
      </div>
      <Check
        label={texts.form.learns}
        hint={texts.form.learnsHint}
        checked={memory.learns ?? false}
        onChange={(learns) => set({ learns })}
      />
    </Section>
  );
}

function Limits({ fields, onChange, faults }: SectionProps) {
  const texts = useTexts();
  const limits = fields.governance;
  const set = (part: Partial<Fields["governance"]>) => onChange({ ...fields, governance: { ...limits, ...part } });
  const number = (
    label: string,
    name: "max_tokens_per_minute" | "max_tokens_per_day" | "max_memory_mb" | "max_concurrent" | "max_worker_ms",
    usual?: number,
  ) => (
    <NumberField
      label={label}
      fault={faults[`governance.${name}`]}
      value={limits[name]}
      usual={usual}
      onChange={(value) => set({ [name]: value })}
    />
  );
  return (
    <Section title={texts.form.limits} words={texts.form.limitsWords}>
      <div className="columns">
        {number(texts.form.perMinute, "max_tokens_per_minute", 1000)}
        {number(texts.form.perDay, "max_tokens_per_day")}
        {number(texts.form.memoryMb, "max_memory_mb", 512)}
        {number(texts.form.concurrent, "max_concurrent")}
        {number(texts.form.workerMs, "max_worker_ms")}
        <NumberField
          label={texts.form.priority}
          hint={texts.form.priorityHint}
          fault={faults["capabilities.priority_weight"]}
          value={fields.capabilities.priority_weight}
          step={0.1}
          onChange={(priority_weight) =>
            onChange({ ...fields, capabilities: { ...fields.capabilities, priority_weight } })
          }
        />
      </div>
      <ListField
        label={texts.form.tags}
        hint={texts.form.commas}
        fault={faults["capabilities.domain_tags"]}
        value={fields.capabilities.domain_tags ?? []}
        onChange={(domain_tags) => onChange({ ...fields, capabilities: { ...fields.capabilities, domain_tags } })}
      />
      <Check
        label={texts.form.audit}
        hint={texts.form.auditHint}
        checked={limits.audit_log_enabled ?? true}
        onChange={(audit_log_enabled) => set({ audit_log_enabled })}
      />
    </Section>
  );
}
