import {
  Button,
  caretDownIcon,
  caretRightIcon
} from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useState } from 'react';

import { Failure } from '../ui/errorBox';
import { fileSize, listText } from '../ui/format';
import { LiveView } from '../ui/liveView';
import { WorkView } from '../operations/workView';
import { Rows } from '../ui/rows';
import { dataIcon } from '../ui/fileIcons';
import type { IDatasetActions } from './actions';
import { DatasetDetail } from './detail';
import { ImportForm } from './importForm';
import { ALL, DatasetsModel } from './model';
import { RemotesForm } from './remotesForm';
import type { IDataset } from '../api/models';
import { extent, markHelp, marksOf, markWord } from './labels';

/** What the parts of the section have in common. */
export interface IDataProps {
  model: DatasetsModel;
  actions: IDatasetActions;
  language: string;
  trans: TranslationBundle;
}

function DatasetRow(props: IDataProps & { dataset: IDataset }): JSX.Element {
  const { model, dataset, language, trans } = props;
  const isOpen = model.expanded.has(dataset.id);
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  const slash = dataset.path.lastIndexOf('/');
  const marks = marksOf(
    dataset,
    model.place(dataset),
    model.unreachable !== null
  );
  const told = [
    dataset.path,
    extent(dataset, language, trans),
    ...marks.map(mark => markWord(mark, trans))
  ].filter(Boolean);
  return (
    <li className="jp-mlws-Dataset" data-mlws-dataset={dataset.path}>
      <button
        className="jp-mlws-Row"
        data-mlws-row
        aria-expanded={isOpen}
        aria-label={listText(told, trans)}
        title={told.join('\n')}
        onClick={() => void model.toggle(dataset.id)}
      >
        <Caret.react tag="span" className="jp-mlws-Row-icon" width="16px" />
        <dataIcon.react tag="span" className="jp-mlws-Row-icon" width="16px" />
        <span className="jp-mlws-Row-name">
          {dataset.path.slice(slash + 1)}
        </span>
        <span className="jp-mlws-Row-folder">
          {dataset.path.slice(0, Math.max(slash, 0))}
        </span>
        {marks.map(mark => (
          <span
            key={mark}
            className="jp-mlws-Badge"
            data-mlws-mark={mark}
            title={markHelp(mark, trans)}
          >
            {markWord(mark, trans)}
          </span>
        ))}
      </button>
      <WorkView
        works={model.works}
        about={dataset.id}
        language={language}
        trans={trans}
      />
      {isOpen && <DatasetDetail {...props} dataset={dataset} />}
    </li>
  );
}

function Storage(props: IDataProps): JSX.Element | null {
  const { model, actions, language, trans } = props;
  const { storage } = model;
  if (!storage) {
    return null;
  }
  const size = (bytes: number) => fileSize(bytes, language);
  const rest = [
    storage.unfinished > 0
      ? trans.__('Incomplete transfers: %1', size(storage.unfinished))
      : '',
    storage.damaged > 0
      ? trans.__('Damaged, quarantined: %1', size(storage.damaged))
      : ''
  ].filter(Boolean);
  return (
    <div className="jp-mlws-Storage">
      <p
        className="jp-mlws-Hint"
        title={trans.__('Free disk space: %1', size(storage.free))}
      >
        {trans.__(
          'Cache: %1 used, %2 needed by this version.',
          size(storage.size),
          size(storage.current)
        )}{' '}
        {listText(rest, trans)}
      </p>
      <Button
        small={true}
        className="jp-mlws-FreeButton"
        disabled={model.works.isRunning(ALL)}
        onClick={() => actions.freeSpace()}
      >
        {trans.__('Free Up Space…')}
      </Button>
    </div>
  );
}

function Section(props: IDataProps): JSX.Element {
  const { model, actions, language, trans } = props;
  const [panel, setPanel] = useState<'import' | 'remotes' | null>(null);
  const toggle = (one: 'import' | 'remotes') =>
    setPanel(panel === one ? null : one);
  const isEmpty = model.items.length === 0;
  const { remote } = model;
  return (
    <>
      {isEmpty && (
        <p className="jp-mlws-Hint">
          {trans.__(
            'Large files are versioned with DVC. Every snapshot records their version, ' +
              'so you can restore any of them. Add a remote to back them up.'
          )}
        </p>
      )}
      <div className="jp-mlws-Tools">
        <button
          className={`jp-mlws-AddDataButton jp-mlws-Wide jp-mod-styled${isEmpty ? ' jp-mod-accept' : ''}`}
          title={trans.__('Track a file or folder with DVC')}
          onClick={() => actions.add()}
        >
          {trans.__('Track File or Folder…')}
        </button>
        <Button
          small={true}
          className="jp-mlws-ImportButton"
          aria-expanded={panel === 'import'}
          onClick={() => toggle('import')}
        >
          {trans.__('Import from URL…')}
        </Button>
        <Button
          small={true}
          className="jp-mlws-RemotesButton"
          aria-expanded={panel === 'remotes'}
          title={remote ? `${remote.name}: ${remote.url}` : undefined}
          onClick={() => toggle('remotes')}
        >
          {remote
            ? trans.__('Remote: %1', remote.name)
            : trans.__('Set Up Remote…')}
        </Button>
      </div>
      {panel === 'import' && (
        <ImportForm
          trans={trans}
          onSubmit={given => actions.import(given)}
          onClose={() => setPanel(null)}
        />
      )}
      {panel === 'remotes' && (
        <RemotesForm
          model={model}
          actions={actions}
          trans={trans}
          onClose={() => setPanel(null)}
        />
      )}
      <WorkView
        works={model.works}
        about={ALL}
        language={language}
        trans={trans}
      />
      {[...model.adding].map(path => (
        <p key={path} className="jp-mlws-Note" role="status">
          {trans.__('Tracking %1…', path)}
        </p>
      ))}
      {model.askError && <Failure error={model.askError} trans={trans} />}
      {model.unreachable && remote && (
        <p className="jp-mlws-Note jp-mod-warn" role="status">
          {trans.__(
            'Could not check the remote “%1”: %2',
            remote.name,
            model.unreachable
          )}
        </p>
      )}
      <Rows label={trans.__('Data')}>
        {model.items.map(dataset => (
          <DatasetRow key={dataset.id} {...props} dataset={dataset} />
        ))}
      </Rows>
      {model.hasMore && (
        <Button small={true} onClick={() => void model.more()}>
          {trans.__('Show More')}
        </Button>
      )}
      <Storage {...props} />
    </>
  );
}

/** The project's data: its state, its versions, its stores. */
export class DatasetsView extends LiveView<DatasetsModel> {
  constructor(
    model: DatasetsModel,
    private _actions: IDatasetActions,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.id = 'jp-mlws-data';
    this.title.label = trans.__('Data');
    this.addClass('jp-mlws-Section');
    this.addClass('jp-mlws-Data');
  }

  protected body(): JSX.Element {
    return (
      <Section
        model={this.model}
        actions={this._actions}
        language={this._language}
        trans={this.trans}
      />
    );
  }
}
