/** The rules that are deployed to Prometheus. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Rule {
  readonly expr: string;
  readonly record?: string;
  readonly alert?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function ruleGroups(): readonly { readonly rules: readonly Rule[] }[] {
  const text = readFileSync(new URL('../../../deploy/prometheus/alerts.yml', import.meta.url), 'utf8');
  return (parse(text) as { groups: { rules: Rule[] }[] }).groups;
}
