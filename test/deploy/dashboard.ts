/** The dashboard that is deployed to Grafana. */
import { readFileSync } from 'node:fs';

interface Source {
  readonly uid: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: Source;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly {
    readonly refId: string;
    readonly datasource?: Source;
    readonly expr: string;
    readonly legendFormat: string;
  }[];
  readonly panels?: readonly Panel[];
}

export interface Dashboard {
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string; readonly textFormat: string }[] };
  readonly panels: readonly Panel[];
}

export function dashboard() {
  const file = new URL('../../../deploy/grafana/sstp-gateway.json', import.meta.url);
  const document = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
  const expressions = [
    ...document.annotations.list.map(({ expr, textFormat }) => ({ expr, legend: textFormat })),
    ...panelsOf(document).flatMap(({ targets = [] }) =>
      targets.map(({ expr, legendFormat }) => ({ expr, legend: legendFormat })),
    ),
  ];
  return { document, expressions };
}

/** Those in rows, too. */
export function panelsOf({ panels }: Pick<Dashboard, 'panels'>): Panel[] {
  return panels.flatMap(panel => [panel, ...(panel.panels ?? [])]);
}
