// A line chart over time: uPlot in the colours of the page.
import uPlot from './uplot.js';
import { setText } from './dom.ts';

interface ChartLine {
  /** Shown with the line's value above the chart; a line without is there for comparison only. */
  readonly label?: string;
  /** A colour of the style sheet: `--accent`. */
  readonly colour: string;
  readonly filled?: boolean;
  readonly width?: number;
}

export interface ChartOptions {
  readonly format: (value: number | null | undefined) => string;
  /** What the upper end of the scale is at least: noise near zero is not blown up. */
  readonly least: number;
}

/** One column of numbers for each line. */
export interface ChartData {
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly (ChartLine & { readonly values: readonly (number | null)[] })[];
}

/** Room for `400 Mbit/s`, and for a line of text. */
const AXIS_WIDTH = 76;
const TIME_AXIS_HEIGHT = 26;
const TIME_LABEL_WIDTH = 60;

export class Chart {
  readonly #host: HTMLElement;
  readonly #canvas: HTMLElement;
  readonly #readout: HTMLElement;
  readonly #options: ChartOptions;
  #plot: uPlot | undefined;
  #data: ChartData = { times: [], lines: [] };

  /** @param host a figure with `.chart-readout` and `.chart-canvas` */
  constructor(host: HTMLElement, options: ChartOptions) {
    this.#host = host;
    this.#options = options;
    this.#canvas = host.querySelector<HTMLElement>('.chart-canvas')!;
    this.#readout = host.querySelector<HTMLElement>('.chart-readout')!;
    new ResizeObserver(() => this.#resize()).observe(this.#canvas);
  }

  show(data: ChartData): void {
    if (data.lines.length !== this.#data.lines.length) this.#discard();
    this.#data = data;
    this.#plot ??= this.#create();
    this.#plot.setData([data.times, ...data.lines.map(({ values }) => values)] as uPlot.AlignedData);
    this.#read(this.#plot);
  }

  clear(): void {
    this.#discard();
    this.#readout.replaceChildren();
    this.#data = { times: [], lines: [] };
  }

  /** The colours of the page have changed. */
  redraw(): void {
    this.#plot?.redraw();
  }

  #create(): uPlot {
    const { width, height } = this.#size();
    const { format, least } = this.#options;
    const axis: uPlot.Axis = {
      stroke: () => this.#colour('--muted'),
      grid: { stroke: () => this.#colour('--grid'), width: 1 },
      ticks: { show: false },
      font: `12px ${getComputedStyle(this.#host).fontFamily}`,
    };
    this.#readout.replaceChildren(...this.#data.lines.filter(({ label }) => label !== undefined).map(readoutOf));
    const plot = new uPlot(
      {
        width,
        height,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false }, sync: { key: 'time' } },
        scales: { y: { range: (_, __, max) => [0, uPlot.rangeNum(0, Math.max(max ?? 0, least), 0.1, true)[1]!] } },
        axes: [
          {
            ...axis,
            size: TIME_AXIS_HEIGHT,
            space: TIME_LABEL_WIDTH + 10,
            values: timeLabels,
          },
          { ...axis, size: AXIS_WIDTH, space: 36, values: (_, values) => values.map(format) },
        ],
        series: [
          {},
          ...this.#data.lines.map(({ colour, filled, width: lineWidth = 1.75 }) => ({
            stroke: () => this.#colour(colour),
            ...(filled === true ? { fill: () => this.#colour(`${colour}-fill`) } : {}),
            width: lineWidth,
            points: { show: false },
          })),
        ],
        hooks: { setCursor: [plot => this.#read(plot)] },
      },
      [[]],
      this.#canvas,
    );
    return plot;
  }

  /** The values under the pointer, else the newest. */
  #read({ cursor }: uPlot): void {
    const { times, lines } = this.#data;
    const index = cursor.idx ?? times.length - 1;
    const labelled = lines.filter(({ label }) => label !== undefined);
    for (const [at, { values }] of labelled.entries()) {
      setText(this.#readout.children[at]!.lastElementChild!, this.#options.format(values[index]));
    }
  }

  #discard(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #resize(): void {
    const size = this.#size();
    if (size.width > 0) this.#plot?.setSize(size);
  }

  #size(): { width: number; height: number } {
    return { width: this.#canvas.clientWidth, height: this.#canvas.clientHeight };
  }

  #colour(name: string): string {
    return getComputedStyle(this.#host).getPropertyValue(name);
  }
}

function readoutOf({ label = '', colour }: ChartLine): HTMLElement {
  const item = document.createElement('span');
  item.className = 'readout';
  item.dataset.colour = colour.slice(2);
  const value = document.createElement('strong');
  item.append(label, ' ', value);
  return item;
}

/** Without one at the right edge, which would be cut off. */
function timeLabels(plot: uPlot, times: readonly number[], _: number, __: number, step: number): string[] {
  const end = plot.bbox.width / devicePixelRatio - TIME_LABEL_WIDTH / 2;
  return times.map(time => {
    if (plot.valToPos(time, 'x') > end) return '';
    const clock = new Date(time * 1000).toLocaleTimeString('en-GB');
    return step < 60 ? clock : clock.slice(0, 5);
  });
}
