import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { Button, checkIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { Failure } from '../../ui/errorBox';
import { LiveView } from '../../ui/liveView';
import type { IConflictDetail } from '../../api/models';
import { conflictWord } from '../operationLabels';
import { CellMerge } from './cellMerge';
import type { ConflictModel, Resolution } from './conflict';
import { TextMerge } from './textMerge';
import { WholeMerge } from './wholeMerge';

/** Where one can go from a conflict. */
export interface IConflictActions {
  resolve(resolution: Resolution): void;
  /** Opens another conflict. */
  open(path: string): void;
  continueMerge(): void;
}

/** One path in conflict: three versions, and what it is to be. */
export class ConflictView extends LiveView<ConflictModel> {
  constructor(
    model: ConflictModel,
    private _actions: IConflictActions,
    private _languages: IEditorLanguageRegistry | null,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.addClass('jp-mlws-View');
    this.addClass('jp-mlws-ConflictView');
  }

  protected body(): JSX.Element {
    const { model, trans } = this;
    const { detail } = model;
    return (
      <>
        <header className="jp-mlws-View-head">
          <h2>{model.path}</h2>
          {detail && <span>{conflictWord(detail.how, trans)}</span>}
        </header>
        {model.failure && <Failure error={model.failure} trans={trans} />}
        {detail ? this._ways(detail) : this._settled()}
      </>
    );
  }

  private _ways(detail: IConflictDetail): JSX.Element {
    const { model, trans, _actions: actions } = this;
    const { conflicts, busy } = model;
    const names = {
      ours: conflicts?.ours ?? 'HEAD',
      theirs: conflicts?.theirs ?? conflicts?.commit?.slice(0, 8) ?? '?'
    };
    const common = { names, busy, trans };
    if (detail.cells !== null) {
      return (
        <CellMerge
          {...common}
          cells={detail.cells}
          onTouched={this._touched}
          onResolve={choices =>
            actions.resolve(
              Object.keys(choices).length > 0
                ? { cells: choices }
                : { take: 'both' }
            )
          }
        />
      );
    }
    const text = detail.ours !== null && detail.theirs !== null;
    if (text && detail.kind !== 'data' && !detail.truncated) {
      return (
        <TextMerge
          {...common}
          detail={detail}
          languages={this._languages}
          onTouched={this._touched}
          onResolve={result => actions.resolve({ text: result })}
        />
      );
    }
    return (
      <WholeMerge
        {...common}
        detail={detail}
        language={this._language}
        onTake={take => actions.resolve({ take })}
      />
    );
  }

  private _settled(): JSX.Element {
    const { model, trans, _actions: actions } = this;
    const { items = [], operation } = model.conflicts ?? {};
    return (
      <div className="jp-mlws-Settled" role="status">
        <p>
          <checkIcon.react
            tag="span"
            className="jp-mlws-Row-icon"
            width="16px"
          />{' '}
          {trans.__('%1: all conflicts resolved.', model.path)}
        </p>
        {items.map(({ path }) => (
          <Button key={path} small={true} onClick={() => actions.open(path)}>
            {trans.__('Resolve %1', path)}
          </Button>
        ))}
        {items.length === 0 && operation === 'merge' && (
          <button
            type="button"
            className="jp-mlws-ContinueButton jp-mod-styled jp-mod-accept"
            onClick={() => actions.continueMerge()}
          >
            {trans.__('Finish Merge')}
          </button>
        )}
      </div>
    );
  }

  private _touched = () => {
    this.model.touched = true;
  };
}
