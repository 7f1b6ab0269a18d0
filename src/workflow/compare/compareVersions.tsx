import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useId, useState } from 'react';

import type { MLWSClient } from '../../api/client';
import { relativeTime } from '../../ui/format';
import type {
  IFileDiff,
  IPage,
  ISnapshot,
  ISnapshotDiff
} from '../../api/models';
import { type IWorkflowDocument, parse } from '../document/document';
import { graphDiff } from '../graph/graphDiff';
import { GraphDiffView } from './graphDiffView';
import { errorText } from '../labels';

/** The versions that a person can choose from. */
const LAST = 50;
/** What stands for the files as they are now. */
const WORKING = '';

interface IChoice {
  from: string;
  to: string;
}

/** Asks for two versions of a workflow and shows what became of its nodes; null if called off. */
export async function compareVersions(
  client: MLWSClient,
  path: string,
  project: string | undefined,
  trans: TranslationBundle
): Promise<GraphDiffView | null> {
  const query = { project };
  const { items } = await client.get<IPage<ISnapshot>>('/snapshots', {
    ...query,
    limit: LAST
  });
  const choice = await askForVersions(items, client.language, trans);
  if (!choice) {
    return null;
  }
  const versions = { from: choice.from, to: choice.to || undefined };
  const [file, all] = await Promise.all([
    client.get<IFileDiff>('/git/diff', { ...query, ...versions, path }),
    client.get<ISnapshotDiff>('/snapshots/diff', { ...query, ...versions })
  ]);
  if (file.truncated) {
    throw new Error(trans.__('The file is too large to compare.'));
  }
  const diff = graphDiff(
    read(file.old ?? '', path, trans),
    read(file.new ?? '', path, trans),
    {
      code: all.files
        .filter(one => one.kind !== 'data')
        .map(one => one.path)
        // The file itself is what is compared.
        .filter(one => one !== path),
      data: all.data.map(one => one.path),
      metrics: all.metrics.map(one => one.name)
    }
  );
  const name = (id: string): string =>
    id === WORKING
      ? trans.__('working tree')
      : (items.find(one => one.id === id)?.short ?? id);
  const view = new GraphDiffView(
    diff,
    { from: name(choice.from), to: name(choice.to) },
    trans
  );
  view.title.label = trans.__('Compare: %1', path);
  return view;
}

function read(
  text: string,
  path: string,
  trans: TranslationBundle
): IWorkflowDocument {
  const { document, error } = parse(text, path);
  if (error) {
    throw new Error(
      trans.__('Line %1: %2', error.line, errorText(error, trans))
    );
  }
  return document;
}

async function askForVersions(
  snapshots: readonly ISnapshot[],
  language: string,
  trans: TranslationBundle
): Promise<IChoice | null> {
  if (snapshots.length === 0) {
    throw new Error(trans.__('No snapshots to compare yet.'));
  }
  const body = new VersionsBody(snapshots, language, trans);
  const answer = await showDialog({
    title: trans.__('Compare Versions'),
    body,
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Compare') })
    ]
  });
  return answer.button.accept ? answer.value : null;
}

class VersionsBody extends ReactWidget implements Dialog.IBodyWidget<IChoice> {
  constructor(
    private _snapshots: readonly ISnapshot[],
    private _language: string,
    private _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlws-NewWorkflow');
    this._choice = { from: _snapshots[0].id, to: WORKING };
  }

  getValue(): IChoice {
    return this._choice;
  }

  protected render(): JSX.Element {
    return (
      <VersionsForm
        snapshots={this._snapshots}
        language={this._language}
        trans={this._trans}
        initial={this._choice}
        onChange={choice => {
          this._choice = choice;
        }}
      />
    );
  }

  private _choice: IChoice;
}

function VersionsForm(props: {
  snapshots: readonly ISnapshot[];
  language: string;
  trans: TranslationBundle;
  initial: IChoice;
  onChange: (choice: IChoice) => void;
}): JSX.Element {
  const { snapshots, language, trans } = props;
  const [choice, setChoice] = useState(props.initial);
  const id = useId();
  const change = (part: Partial<IChoice>): void => {
    const next = { ...choice, ...part };
    setChoice(next);
    props.onChange(next);
  };
  const options = snapshots.map(({ id: key, subject, timestamp }) => (
    <option key={key} value={key}>
      {`${subject} (${relativeTime(timestamp, language)})`}
    </option>
  ));
  return (
    <>
      <label htmlFor={`${id}-from`}>{trans.__('From')}</label>
      <select
        id={`${id}-from`}
        className="jp-mod-styled"
        value={choice.from}
        onChange={event => change({ from: event.target.value })}
      >
        {options}
      </select>
      <label htmlFor={`${id}-to`}>{trans.__('To')}</label>
      <select
        id={`${id}-to`}
        className="jp-mod-styled"
        value={choice.to}
        onChange={event => change({ to: event.target.value })}
      >
        <option value={WORKING}>{trans.__('working tree')}</option>
        {options}
      </select>
    </>
  );
}
