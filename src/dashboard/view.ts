// One of the views of the page. The shell shows one at a time and asks it to refresh as long as it is shown.
import type { StatusView } from '../admin/schema/status.ts';

export interface View {
  readonly root: HTMLElement;
  /** What stands in the window's title. */
  readonly title: string;
  /** With what the gateway just said of itself. Rejects with the errors of the client. */
  refresh(status: StatusView): Promise<void>;
  /** The colours have changed. */
  redraw(): void;
}
