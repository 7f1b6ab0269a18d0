import { UseSignal, VDomRenderer } from '@jupyterlab/ui-components';

import type { TranslationBundle } from '@jupyterlab/translation';

import { Failure, Waiting } from './errorBox';
import type { LiveModel } from '../api/live';

/**
 * A view of a live model.
 *
 * It renders within the event that changes the model: React puts the old text back into an
 * input, and the cursor at its end, when the new text comes later, as VDomRenderer's own does.
 */
export abstract class LiveView<M extends LiveModel> extends VDomRenderer<M> {
  constructor(
    model: M,
    protected readonly trans: TranslationBundle
  ) {
    super(model);
    // "2 minutes ago" grows older while nothing else happens.
    this._clock = setInterval(() => this.update(), 60_000);
  }

  dispose(): void {
    clearInterval(this._clock);
    super.dispose();
  }

  /** What there is to see of the model, once it is ready. */
  protected abstract body(): JSX.Element;

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this.model.stateChanged}>
        {() => this._frame()}
      </UseSignal>
    );
  }

  private _frame(): JSX.Element {
    const { model, trans } = this;
    const retry = () => void model.refresh();
    if (!model.ready) {
      return <Waiting error={model.error} trans={trans} onRetry={retry} />;
    }
    return (
      <>
        {model.error && (
          <Failure error={model.error} trans={trans} onRetry={retry} />
        )}
        {this.body()}
      </>
    );
  }

  private _clock: ReturnType<typeof setInterval>;
}
