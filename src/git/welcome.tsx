import { ReactWidget } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';

import { MLWSClient, type APIError, apiError } from '../api/client';
import { Failure } from '../ui/errorBox';
import { createProject, EXAMPLE_FOLDER, ROOT_FOLDER } from '../lab/projects';
import { Button } from '../ui/controls';
import { mlwsIcon } from '../ui/fileIcons';
import { trans } from '../ui/locale';

/** The workspace without a project or without trust: a way to the welcome. */
export function noProject(onStart: () => void): Widget {
  const view = ReactWidget.create(
    <>
      <p>
        {trans.__(
          'Workflows, runs, models and data are shown here when a project is open.'
        )}
      </p>
      <Button onClick={onStart}>{trans.__('Show Source Control')}</Button>
    </>
  );
  view.addClass('jp-mlws-NoProject');
  return view;
}

/**
 * Welcome of Source Control without a project, with the ways to start. Without trust, its explanation.
 */
export class Welcome extends ReactWidget {
  constructor(
    private _client: MLWSClient,
    private _clone: () => void
  ) {
    super();
    this.addClass('jp-mlws-Welcome');
    _client.projectChanged.connect(() => this.update(), this);
  }

  /** Checks for a project. */
  async look(): Promise<void> {
    await this._attempt(trans.__('Loading…'), () =>
      this._client.loadProjects()
    );
  }

  protected render(): JSX.Element {
    if (this._error && !this._asked) {
      return <Failure error={this._error} onRetry={() => void this.look()} />;
    }
    const { project } = this._client;
    if (project && !project.trusted) {
      return (
        <>
          <h2>{trans.__('“%1” is not trusted', project.name)}</h2>
          <p>
            {trans.__(
              'Its components, workflows and git hooks are programs that run with your ' +
                "permissions. If you don't know where the project comes from, review its " +
                'files first.'
            )}
          </p>
          <button
            className="jp-mlws-TrustButton jp-mod-styled jp-mod-accept"
            disabled={this._busy !== null}
            onClick={() =>
              void this._attempt(trans.__('Loading…'), () =>
                this._client.setTrusted(project, true)
              )
            }
          >
            {trans.__('Trust Authors')}
          </button>
          {this._error && <Failure error={this._error} />}
        </>
      );
    }
    return (
      <>
        <mlwsIcon.react
          tag="div"
          className="jp-mlws-Welcome-icon"
          width="48px"
        />
        <h2>{trans.__('Versions and Workflows')}</h2>
        <p>
          {trans.__(
            'Keep code, data and trained models under version control, restore any ' +
              'snapshot, and draw machine learning workflows that rerun only what changed.'
          )}
        </p>
        <p>
          {trans.__(
            'All of this happens in a project: a folder with a git repository.'
          )}
        </p>
        <button
          className="jp-mlws-ExampleButton jp-mod-styled jp-mod-accept"
          disabled={this._busy !== null}
          onClick={() => void this._create(EXAMPLE_FOLDER, 'example')}
        >
          {trans.__('Open Example')}
        </button>
        <button
          className="jp-mlws-CreateButton jp-mod-styled"
          disabled={this._busy !== null}
          title={trans.__('Existing files are not changed')}
          onClick={() => void this._create(ROOT_FOLDER, 'empty')}
        >
          {trans.__('Create Project Here')}
        </button>
        <button
          className="jp-mlws-CloneButton jp-mod-styled"
          disabled={this._busy !== null}
          onClick={this._clone}
        >
          {trans.__('Clone a Repository…')}
        </button>
        {this._busy && <p role="status">{this._busy}</p>}
        {this._error && <Failure error={this._error} />}
      </>
    );
  }

  private async _create(
    name: string,
    template: 'empty' | 'example'
  ): Promise<void> {
    this._asked = true;
    await this._attempt(trans.__('Creating project…'), () =>
      createProject(this._client, name, template)
    );
  }

  private async _attempt(
    busy: string,
    work: () => Promise<unknown>
  ): Promise<void> {
    this._busy = busy;
    this._error = null;
    this.update();
    try {
      await work();
    } catch (error) {
      this._error = apiError(error);
    } finally {
      this._busy = null;
      this.update();
    }
  }

  private _asked = false;
  private _busy: string | null = null;
  private _error: APIError | null = null;
}
