import { apiError, type APIError } from '../../api/client';
import type { Body } from '../../api/models';
import { ask } from '../../lab/confirm';
import { DialogForm } from '../../lab/dialogForm';
import { Hint, Select } from '../../ui/controls';
import { Failure } from '../../ui/errorBox';
import { Field, splitError, TextField } from '../../ui/form';
import { trans } from '../../ui/locale';

/** The source of a page. */
export type IPageSource = Required<Body<'post', '/pages/export'>>;

type Audience = Body<'post', '/pages/share'>['audience'];

/** A file of this computer, or a page for some readers. */
export interface IChoice {
  target: 'file' | Audience;
  name: string;
  /** A date, as the field of a form has it. */
  until: string;
  /** Of a report: the versions, as BASE..HEAD. */
  source: string;
}

const FIELDS = ['name', 'expires', 'source'];

/** Days after which a page for everybody with the link expires, if nothing else is chosen. */
const DAYS = 30;

export class ShareForm extends DialogForm<IChoice> {
  constructor(
    private _choice: IChoice,
    private _props: {
      kind: IPageSource['kind'];
      /** Shared projects of the user; null without a Hub. */
      projects: readonly string[] | null;
    },
    private _error: APIError | null
  ) {
    super();
  }

  getValue(): IChoice {
    return this._choice;
  }

  protected render(): JSX.Element {
    const { target, name, until, source } = this._choice;
    const { kind, projects } = this._props;
    const split = this._error && splitError(this._error, FIELDS);
    const errors = split?.byField;
    const hasProjects = projects !== null && projects.length > 0;
    return (
      <div className="jp-mlws-ShareForm">
        {split?.rest && <Failure error={split.rest} />}
        {kind === 'report' && (
          <TextField
            label={trans.__('Versions')}
            help={trans.__(
              'BASE..HEAD; from the upstream or main branch to the current version if empty'
            )}
            error={errors?.get('source')}
            name="source"
            placeholder="main..HEAD"
            value={source}
            onChange={event => this._change({ source: event.target.value })}
          />
        )}
        {projects === null ? (
          <Hint>
            {trans.__(
              'It is saved as one HTML file. On a Hub, it can be shared by a link.'
            )}
          </Hint>
        ) : (
          <Field label={trans.__('Readers')}>
            {id => (
              <Select
                id={id}
                className="jp-mod-styled"
                value={target}
                options={[
                  [
                    'project',
                    trans.__('Members of a shared project'),
                    !hasProjects
                  ],
                  ['group', trans.__('Members of a group of the Hub')],
                  ['link', trans.__('Everybody with the link, until a date')],
                  ['file', trans.__('Save as an HTML file, without sharing')]
                ]}
                onChange={value =>
                  this._change({
                    target: value,
                    name: value === 'project' ? (projects[0] ?? '') : ''
                  })
                }
              />
            )}
          </Field>
        )}
        {target === 'project' && hasProjects && (
          <Field label={trans.__('Shared project')} error={errors?.get('name')}>
            {id => (
              <Select
                id={id}
                className="jp-mod-styled"
                value={name}
                options={projects.map(one => [one, one] as const)}
                onChange={value => this._change({ name: value })}
              />
            )}
          </Field>
        )}
        {target === 'group' && (
          <TextField
            label={trans.__('Group')}
            error={errors?.get('name')}
            name="name"
            value={name}
            onChange={event => this._change({ name: event.target.value })}
          />
        )}
        {target !== 'file' && (
          <TextField
            label={trans.__('Until')}
            help={
              target === 'link'
                ? trans.__('It can be read without signing in.')
                : trans.__('Until you stop sharing it, if empty')
            }
            error={errors?.get('expires')}
            name="until"
            type="date"
            value={until}
            onChange={event => this._change({ until: event.target.value })}
          />
        )}
      </div>
    );
  }

  private _change(change: Partial<IChoice>): void {
    this._choice = { ...this._choice, ...change };
    const { target, until } = this._choice;
    if (target === 'link' && !until) {
      const end = new Date(Date.now() + DAYS * 86_400_000);
      this._choice = {
        ...this._choice,
        until: end.toISOString().slice(0, 10)
      };
    }
    this.update();
  }
}

/** Asks who reads a page until the request is accepted; null if canceled. */
export async function askShare<T>(
  title: string,
  source: IPageSource,
  projects: readonly string[] | null,
  send: (choice: IChoice) => Promise<T>
): Promise<T | null> {
  let choice: IChoice = {
    target:
      projects === null ? 'file' : projects.length > 0 ? 'project' : 'group',
    name: projects?.[0] ?? '',
    until: '',
    source: source.source
  };
  let error: APIError | null = null;
  for (;;) {
    const form = new ShareForm(choice, { kind: source.kind, projects }, error);
    const ok = projects === null ? trans.__('Save') : trans.__('Continue');
    const answer: IChoice | null = await ask(title, ok, form);
    if (!answer) {
      return null;
    }
    choice = answer;
    try {
      return await send(choice);
    } catch (reason) {
      error = apiError(reason);
    }
  }
}
