/**
 * Bar charts as SVG, without a library: horizontal groups of bars, one bar for each series, each with its number. The
 * colours follow the reader's light or dark scheme, and have a ground of their own, so that they fit on any page.
 */

export interface BarChart {
  readonly title: string;
  readonly series: readonly string[];
  readonly groups: readonly {
    readonly label: string;
    /** As many as there are series; undefined leaves its place empty. */
    readonly values: readonly (number | undefined)[];
  }[];
}

const WIDTH = 760;
const MARGIN = 16;
const LABEL_WIDTH = 240;
const NUMBER_WIDTH = 64;
const BAR = { height: 13, gap: 3, groupGap: 12 } as const;
const HEAD_HEIGHT = 62;
const AXIS_HEIGHT = 24;
const LINES = 5;

/** Blue, amber, green: apart for colour-blind readers too. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 14px; font-weight: 600 }
  .quiet { fill: #59636e }
  .ground { fill: #ffffff }
  .line { stroke: #d1d9e0 }
  .s0 { fill: #0969da } .s1 { fill: #c77c00 } .s2 { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .ground { fill: #0d1117 }
    .line { stroke: #3d444d }
    .s0 { fill: #58a6ff } .s1 { fill: #e3a008 } .s2 { fill: #3fb950 }
  }`;

export function drawBars({ title, series, groups }: BarChart): string {
  const groupHeight = series.length * (BAR.height + BAR.gap) + BAR.groupGap;
  const height = HEAD_HEIGHT + groups.length * groupHeight + AXIS_HEIGHT;
  const left = MARGIN + LABEL_WIDTH;
  const room = WIDTH - left - NUMBER_WIDTH - MARGIN;
  const { step, end } = axis(Math.max(0, ...groups.flatMap(group => group.values.map(value => value ?? 0))));
  const x = (value: number): number => left + (value / end) * room;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="6"/>`,
    text(MARGIN, 24, title, 'title'),
    ...legend(series),
  ];
  const bottom = height - AXIS_HEIGHT;
  for (let value = 0; value <= end * 1.001; value += step) {
    const at = round(x(value));
    parts.push(`<line class="line" x1="${at}" y1="${HEAD_HEIGHT - 8}" x2="${at}" y2="${bottom}"/>`);
    parts.push(text(at, bottom + 15, formatNumber(value), 'quiet', 'middle'));
  }
  for (const [index, { label, values }] of groups.entries()) {
    const top = HEAD_HEIGHT + index * groupHeight;
    parts.push(text(left - 8, top + (groupHeight - BAR.groupGap) / 2 + 4, label, '', 'end'));
    for (const [which, value] of values.entries()) {
      if (value === undefined) continue;
      const y = top + which * (BAR.height + BAR.gap);
      const width = Math.max(1, round(x(value) - left));
      parts.push(`<rect class="s${which}" x="${left}" y="${y}" width="${width}" height="${BAR.height}" rx="2"/>`);
      parts.push(text(left + width + 5, y + BAR.height - 2, formatNumber(value)));
    }
  }
  return `${parts.join('\n')}\n</svg>\n`;
}

/** A step of 1, 2 or 5 times a power of ten, and the first multiple of it that no value exceeds. */
function axis(largest: number): { step: number; end: number } {
  const rough = (largest === 0 ? 1 : largest) / LINES;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find(factor => factor * power >= rough) ?? 10) * power;
  return { step, end: Math.ceil((largest === 0 ? 1 : largest) / step) * step };
}

function legend(series: readonly string[]): string[] {
  let x = MARGIN;
  return series.flatMap((name, index) => {
    const at = x;
    x += 40 + name.length * 7;
    return [
      `<rect class="s${index}" x="${at}" y="36" width="10" height="10" rx="2"/>`,
      text(at + 15, 45, name, 'quiet'),
    ];
  });
}

function text(x: number, y: number, content: string, style = '', anchor = 'start'): string {
  const attributes = [style === '' ? '' : ` class="${style}"`, anchor === 'start' ? '' : ` text-anchor="${anchor}"`];
  return `<text x="${round(x)}" y="${round(y)}"${attributes.join('')}>${escapeXml(content)}</text>`;
}

function formatNumber(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(content: string): string {
  return content.replace(/[&<>]/g, character => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? character);
}
