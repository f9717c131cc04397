// The page's one dialog.
import { byId, setText } from './dom.ts';

interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says that does it. */
  readonly action: string;
}

/** Asks before something that cannot be undone. Escape and the first button say no. */
export async function confirmAction({ title, text, action }: Question): Promise<boolean> {
  return (await ask(title, text, action)) === 'yes';
}

/** Resolves when it has been read. */
export async function tell(title: string, text: string): Promise<void> {
  await ask(title, text, undefined);
}

/** Answers the question that was asked last. */
let answer: ((value: string) => void) | undefined;

function ask(title: string, text: string, action: string | undefined): Promise<string> {
  const dialog = byId('dialog', HTMLDialogElement);
  answer?.(dialog.returnValue);
  setText(byId('dialog-title'), title);
  setText(byId('dialog-text'), text);
  setText(byId('dialog-close'), action === undefined ? 'Close' : 'Cancel');
  byId('dialog-action').hidden = action === undefined;
  setText(byId('dialog-action'), action ?? '');
  dialog.returnValue = '';
  dialog.showModal();
  // The event comes with the next frame: by then another question may be on the screen, and this is not its answer.
  dialog.onclose = () => void (dialog.open || answer?.(dialog.returnValue));
  return new Promise(resolve => (answer = resolve));
}
