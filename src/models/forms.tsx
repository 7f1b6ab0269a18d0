import type { TranslationBundle } from '@jupyterlab/translation';

import { DialogForm } from '../lab/dialogForm';
import { fullTime, runName } from '../ui/format';
import type { IExperimentRun, IModelVersion } from '../api/models';

/** The alias that the form suggests. */
const DEFAULT_ALIAS = 'production';

/** Asks for the alias of a version, and shows what that changes. */
export class PromoteForm extends DialogForm<string> {
  /** `aliases`: the versions of all aliases of its model. */
  constructor(
    private _version: IModelVersion,
    private _aliases: Record<string, number>,
    trans: TranslationBundle
  ) {
    super(trans);
  }

  getValue(): string {
    return this._alias.trim();
  }

  protected render(): JSX.Element {
    const { trans } = this;
    return (
      <>
        <label>
          {trans.__('Alias')}
          <input
            className="jp-mod-styled"
            name="alias"
            list="jp-mlws-aliases"
            autoComplete="off"
            spellCheck={false}
            defaultValue={this._alias}
            onChange={event => {
              this._alias = event.target.value;
              this.update();
            }}
          />
        </label>
        <datalist id="jp-mlws-aliases">
          {Object.keys(this._aliases).map(alias => (
            <option key={alias} value={alias} />
          ))}
        </datalist>
        <p className="jp-mlws-Hint" role="status">
          {this._effect()}
        </p>
      </>
    );
  }

  private _effect(): string {
    const { trans } = this;
    const { name, version } = this._version;
    const before = this._aliases[this.getValue()];
    if (before === undefined) {
      return trans.__(
        'New alias; it will point to version %1 of “%2”.',
        version,
        name
      );
    }
    return before === version
      ? trans.__('It already points to this version.')
      : trans.__(
          'It now points to version %1 and will point to version %2.',
          before,
          version
        );
  }

  private _alias = DEFAULT_ALIAS;
}

/** A run that is to become a version of a model. */
interface IRegistration {
  run: string;
  name: string;
  artifacts: string[];
}

/** Asks for the run, the model and the files of a new version. */
export class RegisterForm extends DialogForm<IRegistration> {
  /** `names`: of the models that there are. */
  constructor(
    private _runs: readonly IExperimentRun[],
    private _names: readonly string[],
    private _language: string,
    trans: TranslationBundle
  ) {
    super(trans);
    this._values = {
      run: _runs[0]?.id ?? '',
      name: _runs[0] ? runName(_runs[0]) : '',
      artifacts: ''
    };
  }

  getValue(): IRegistration {
    const { run, name, artifacts } = this._values;
    const files = artifacts.split('\n').map(file => file.trim());
    return { run, name: name.trim(), artifacts: files.filter(Boolean) };
  }

  protected render(): JSX.Element {
    const { trans } = this;
    return (
      <>
        <label>
          {trans.__('Run')}
          <select
            className="jp-mlws-Select jp-mod-styled"
            {...this._control('run')}
            disabled={this._runs.length === 1}
          >
            {this._runs.map(run => (
              <option key={run.run} value={run.id ?? ''}>
                {runName(run)}{' '}
                {run.started ? fullTime(run.started, this._language) : run.run}
              </option>
            ))}
          </select>
        </label>
        <label>
          {trans.__('Model')}
          <input
            className="jp-mod-styled"
            list="jp-mlws-models-known"
            autoComplete="off"
            spellCheck={false}
            {...this._control('name')}
          />
        </label>
        <datalist id="jp-mlws-models-known">
          {this._names.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <label>
          {trans.__('Project files to include, one per line')}
          <textarea
            className="jp-mlws-TextArea"
            rows={3}
            spellCheck={false}
            {...this._control('artifacts')}
          />
        </label>
        <p className="jp-mlws-Hint">
          {trans.__(
            'Metrics and parameters come from the run. Files are stored as they are now.'
          )}
        </p>
      </>
    );
  }

  private _control(name: 'run' | 'name' | 'artifacts') {
    return {
      name,
      defaultValue: this._values[name],
      onChange: (event: { target: { value: string } }) => {
        this._values[name] = event.target.value;
        this.update();
      }
    };
  }

  private _values: { run: string; name: string; artifacts: string };
}
