/** As much of PromQL as is needed to know which metrics and labels an expression speaks of. */

interface Selector {
  readonly metric: string;
  /** Labels that it is matched by. */
  readonly labels: readonly string[];
}

export interface References {
  readonly selectors: readonly Selector[];
  /** Labels that results are grouped and joined by. */
  readonly grouping: readonly string[];
}

const OPERATORS = ['and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan'];
const SELECTOR = /([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}/g;
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;

export function referencesOf(expression: string): References {
  const selectors: Selector[] = [];
  const grouping: string[] = [];
  const bare = expression
    .replace(/\[[^\]]*\]/g, '')
    .replace(SELECTOR, (_, metric: string, matchers: string) => {
      const labels = [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"/g)].map(([, label]) => label!);
      selectors.push({ metric, labels });
      return '';
    })
    .replace(GROUPING, (_, labels: string) => {
      grouping.push(...(labels.match(/\w+/g) ?? []));
      return '';
    })
    .replace(/"(?:[^"\\]|\\.)*"/g, '');
  for (const [name] of bare.matchAll(/(?<![\w.$])[a-zA-Z_:][\w:]*(?![\w:]*\s*\()/g)) {
    if (!OPERATORS.includes(name.toLowerCase())) selectors.push({ metric: name, labels: [] });
  }
  return { selectors, grouping };
}
