import { byId, setText } from './dom.ts';

export class SignIn {
  readonly #root = byId('sign-in');
  readonly #token = byId('token', HTMLInputElement);

  /** @param done called with the token that was typed. */
  constructor(done: (token: string) => void) {
    byId('sign-in-form').addEventListener('submit', event => {
      event.preventDefault();
      const token = this.#token.value.trim();
      this.#token.value = '';
      done(token);
    });
  }

  get isShown(): boolean {
    return !this.#root.hidden;
  }

  /** @param problem what is wrong with the last one; empty on the first try */
  show(problem: string): void {
    this.#root.hidden = false;
    setText(byId('sign-in-error'), problem);
    this.#token.focus();
  }

  hide(): void {
    this.#root.hidden = true;
  }
}
