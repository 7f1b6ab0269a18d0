import type { IDocumentManager } from '@jupyterlab/docmanager';
import {
  addIcon,
  downloadIcon,
  fileUploadIcon,
  LabIcon,
  ReactWidget,
  runIcon,
  spreadsheetIcon
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { useRef, useState, type ReactNode } from 'react';

import { setHelpPage } from '../ui/helpLink';
import { APIError, type MLWSClient } from '../api/client';
import type { IProjectInfo } from '../api/models';
import { documentPath } from '../lab/documents';
import { createProject, EXAMPLE_FOLDER, ROOT_FOLDER } from '../lab/projects';
import { CANVAS_FACTORY } from '../lab/tokens';
import { uploadFiles } from '../lab/upload';
import { Failure } from '../ui/errorBox';
import { mlwsIcon } from '../ui/fileIcons';
import { Check } from '../ui/controls';
import { trans } from '../ui/locale';
import { useSignal } from '../ui/useSignal';

const EXAMPLE_WORKFLOW = 'workflows/wine/dvc.yaml';
/** The folder of a project for data that is uploaded. */
const DATA_FOLDER = 'data';
const TABLE_EXTENSIONS = '.csv,.tsv,.txt,.parquet,.xlsx,.jsonl,.ndjson';
const WORKFLOW_EXTENSIONS = '.pipeline,.ipynb,.json';

interface IWelcomeOptions {
  client: MLWSClient;
  manager: IDocumentManager;
  commands: CommandRegistry;
  /** Returns whether the view is shown in a folder without a project. */
  isShown: () => boolean;
  setShown: (isShown: boolean) => Promise<void>;
}

/** Ways to start in a folder without a project. */
export class WelcomeView extends ReactWidget {
  constructor(private _options: IWelcomeOptions) {
    super();
    this.addClass('jp-mlws-Begin');
    setHelpPage(this, 'tutorials-first-workflow');
  }

  protected render(): JSX.Element {
    return (
      <Beginning
        {...this._options}
        // The view is complete, so its tab closes.
        onDone={() => this.parent?.close()}
      />
    );
  }
}

function Beginning(
  props: IWelcomeOptions & { onDone: () => void }
): JSX.Element {
  const { client, manager, commands, onDone } = props;
  useSignal(client.projectChanged);
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [isShown, setShown] = useState(props.isShown());
  const [isOver, setOver] = useState(false);

  /** Performs an action; closes the view if it created something. */
  const attempt = async (
    text: string,
    work: () => Promise<boolean>
  ): Promise<void> => {
    setBusy(text);
    setError(null);
    try {
      if (await work()) {
        onDone();
      }
    } catch (reason) {
      setError(reason instanceof Error ? reason : new Error(String(reason)));
    } finally {
      setBusy(null);
    }
  };
  /** Uploads files into the project, which this folder becomes; their paths. */
  const upload = async (
    files: readonly File[],
    folder: string
  ): Promise<string[]> => {
    const project =
      client.project ?? (await createProject(client, ROOT_FOLDER, 'empty'));
    const path = documentPath(project, folder);
    return uploadFiles(manager, files, path);
  };
  const openExample = (): Promise<void> =>
    attempt(trans.__('Creating the example project…'), async () => {
      const project = await createProject(client, EXAMPLE_FOLDER, 'example');
      const path = documentPath(project, EXAMPLE_WORKFLOW);
      const args = { path, factory: CANVAS_FACTORY };
      await commands.execute('docmanager:open', args);
      return true;
    });
  const startFromFiles = (files: readonly File[]): Promise<void> =>
    attempt(trans.__('Uploading…'), async () => {
      const [path] = await upload(files, DATA_FOLDER);
      const made =
        path && (await commands.execute('workflow:from-table', { path }));
      return !!made;
    });
  const importFiles = (files: readonly File[]): Promise<void> =>
    attempt(trans.__('Uploading…'), async () => {
      const paths = await upload(files, '');
      const path = paths.find(one => /\.(pipeline|ipynb|json)$/i.test(one));
      const made =
        path && (await commands.execute('workflow:import', { path }));
      return !!made;
    });
  const run = (command: string): Promise<void> =>
    attempt(
      trans.__('Loading…'),
      async () => !!(await commands.execute(command))
    );

  const clone = (): Promise<void> =>
    attempt(trans.__('Cloning…'), async () => {
      const project: IProjectInfo | null = await commands.execute('mlws:clone');
      if (project) {
        const args = { path: `/${documentPath(project, '')}` };
        await commands.execute('filebrowser:go-to-path', args);
      }
      return project !== null;
    });

  return (
    <div
      className={`jp-mlws-Begin-page${isOver ? ' jp-mod-over' : ''}`}
      onDragOver={event => {
        if (event.dataTransfer.types.includes('Files')) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
          setOver(true);
        }
      }}
      onDragLeave={() => setOver(false)}
      onDrop={event => {
        setOver(false);
        const files = [...event.dataTransfer.files];
        if (files.length > 0) {
          event.preventDefault();
          void startFromFiles(files);
        }
      }}
    >
      <header>
        <mlwsIcon.react tag="div" width="56px" />
        <div>
          <h1>{trans.__('Welcome to Machine Learning')}</h1>
          <p>
            {client.project
              ? trans.__(
                  'Draw workflows that rerun only what changed, and keep every version of code, ' +
                    'data and models. Choose how to begin; existing files are not changed.'
                )
              : trans.__(
                  'Draw workflows that rerun only what changed, and keep every version of code, ' +
                    'data and models. This folder has no project yet. Choose how to begin; existing ' +
                    'files are not changed.'
                )}
          </p>
        </div>
      </header>
      <div className="jp-mlws-Begin-cards">
        <Card
          icon={runIcon}
          title={trans.__('Try the Example')}
          text={trans.__(
            'A data set, a workflow that compares two models, and runs to look at.'
          )}
        >
          <button
            className="jp-mlws-Begin-example jp-mod-styled jp-mod-accept"
            disabled={busy !== null}
            onClick={() => void openExample()}
          >
            {trans.__('Open Example')}
          </button>
        </Card>
        <Card
          icon={spreadsheetIcon}
          title={trans.__('Start from a Table')}
          text={trans.__(
            'Train and compare models on a CSV, Excel, Parquet or JSON lines file. You can also drop it here.'
          )}
        >
          <UploadButton
            name="table"
            accept={TABLE_EXTENSIONS}
            label={trans.__('Upload Table…')}
            isDisabled={busy !== null}
            onFiles={files => void startFromFiles(files)}
          />
          <button
            className="jp-mod-styled jp-mod-reject"
            disabled={busy !== null}
            onClick={() => void run('workflow:from-table')}
          >
            {trans.__('Choose from the Lab…')}
          </button>
        </Card>
        <Card
          icon={downloadIcon}
          title={trans.__('Clone a Repository')}
          text={trans.__(
            'Continue a project of a git server, with the data that DVC tracks.'
          )}
        >
          <button
            className="jp-mlws-Begin-clone jp-mod-styled jp-mod-reject"
            disabled={busy !== null}
            onClick={() => void clone()}
          >
            {trans.__('Clone…')}
          </button>
        </Card>
        <Card
          icon={fileUploadIcon}
          title={trans.__('Import a Workflow')}
          text={trans.__(
            'Turn an Elyra pipeline or a notebook into a workflow. Upload a pipeline together ' +
              'with its notebooks and scripts.'
          )}
        >
          <UploadButton
            name="import"
            accept={`${WORKFLOW_EXTENSIONS},.py,.R`}
            label={trans.__('Upload Files…')}
            isDisabled={busy !== null}
            onFiles={files => void importFiles(files)}
          />
          <button
            className="jp-mod-styled jp-mod-reject"
            disabled={busy !== null}
            onClick={() => void run('workflow:import')}
          >
            {trans.__('Choose from the Lab…')}
          </button>
        </Card>
        <Card
          icon={addIcon}
          title={trans.__('New Workflow')}
          text={trans.__('An empty canvas, or a template with sample data.')}
        >
          <button
            className="jp-mlws-Begin-new jp-mod-styled jp-mod-reject"
            disabled={busy !== null}
            onClick={() => void run('workflow:new')}
          >
            {trans.__('Create…')}
          </button>
        </Card>
      </div>
      <div role="status">{busy}</div>
      {error && <ErrorText error={error} />}
      <Check
        className="jp-mlws-Begin-shown"
        checked={!isShown}
        onChange={checked => {
          setShown(!checked);
          void props.setShown(!checked);
        }}
      >
        {trans.__('Do not show this view again')}
      </Check>
    </div>
  );
}

function ErrorText({ error }: { error: Error }): JSX.Element {
  return error instanceof APIError ? (
    <Failure error={error} />
  ) : (
    <p role="alert" className="jp-mlws-Error">
      {error.message}
    </p>
  );
}

function Card(props: {
  icon: LabIcon;
  title: string;
  text: string;
  children: ReactNode;
}): JSX.Element {
  return (
    <section className="jp-mlws-Begin-card" aria-label={props.title}>
      <h2>
        <props.icon.react tag="span" width="20px" />
        {props.title}
      </h2>
      <p>{props.text}</p>
      <div className="jp-mlws-Begin-actions">{props.children}</div>
    </section>
  );
}

/** A button that lets the user choose files of the computer. */
function UploadButton(props: {
  name: string;
  accept: string;
  label: string;
  isDisabled: boolean;
  onFiles: (files: readonly File[]) => void;
}): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept={props.accept}
        data-mlws-upload={props.name}
        onChange={({ target }) => {
          const files = [...(target.files ?? [])];
          target.value = '';
          if (files.length > 0) {
            props.onFiles(files);
          }
        }}
      />
      <button
        className="jp-mod-styled jp-mod-accept"
        disabled={props.isDisabled}
        onClick={() => input.current?.click()}
      >
        {props.label}
      </button>
    </>
  );
}
