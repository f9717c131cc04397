import { byId, setText } from './dom.ts';

/** What the gateway takes for a token, and a browser sends: of any other the page would believe that the gateway does not answer. */
const USABLE = /^[\x21-\x7e]+$/;

export class SignIn {
  readonly #root = byId('sign-in');
  readonly #token = byId('token', HTMLInputElement);

  /** @param done called with the token that was typed. */
  constructor(done: (token: string) => void) {
    byId('sign-in-form').addEventListener('submit', event => {
      event.preventDefault();
      const token = this.#token.value.trim();
      this.#token.value = '';
      if (USABLE.test(token)) done(token);
      else this.show('a token has letters, digits and signs of ASCII only');
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
