import { UseSignal, VDomRenderer } from '@jupyterlab/ui-components';

import type { LiveModel } from './live';

/**
 * A view of a live model.
 *
 * It renders within the event that changes the model: React puts the old text back into an
 * input, and the cursor at its end, when the new text comes later, as VDomRenderer's own does.
 */
export abstract class LiveView<M extends LiveModel> extends VDomRenderer<M> {
  constructor(model: M) {
    super(model);
    // "2 minutes ago" grows older while nothing else happens.
    this._clock = setInterval(() => this.update(), 60_000);
  }

  dispose(): void {
    clearInterval(this._clock);
    super.dispose();
  }

  /** What there is to see of the model now. */
  protected abstract body(): JSX.Element;

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this.model.stateChanged}>
        {() => this.body()}
      </UseSignal>
    );
  }

  private _clock: ReturnType<typeof setInterval>;
}
