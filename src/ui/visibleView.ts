import type { Message } from '@lumino/messaging';

import { ServerView } from './server';

/** A view that reads nothing while it is hidden, and takes the focus when it is activated. */
export class VisibleView extends ServerView {
  constructor(...args: ConstructorParameters<typeof ServerView>) {
    super(...args);
    this.node.tabIndex = -1;
    this.active = false;
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.active = true;
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.active = false;
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.active = this.isVisible;
  }

  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.focus();
  }
}
