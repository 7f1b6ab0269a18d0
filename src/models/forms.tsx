import { DialogForm } from '../lab/dialogForm';
import { Hint } from '../ui/controls';
import { Failure } from '../ui/errorBox';
import { fileSize, fullTime, runName, titleOf } from '../ui/format';
import { type APIError, apiError } from '../api/client';
import type { IExperimentRun, IModelVersion, IRunOutput } from '../api/models';
import { trans } from '../ui/locale';

/** The alias that the form suggests. */
const DEFAULT_ALIAS = 'production';

/** Form for the alias of a version, with the effect of the change. */
export class PromoteForm extends DialogForm<string> {
  /** `aliases`: the versions of all aliases of its model. */
  constructor(
    private _version: IModelVersion,
    private _aliases: Record<string, number>
  ) {
    super();
  }

  getValue(): string {
    return this._alias.trim();
  }

  protected render(): JSX.Element {
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
        <Hint role="status">{this._effect()}</Hint>
      </>
    );
  }

  private _effect(): string {
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

/** Run to register as a version of a model. */
interface IRegistration {
  run: string;
  name: string;
  artifacts: string[];
}

/** File names that are offered as the files of a model. */
const MODEL_FILE =
  /\.(bin|ckpt|h5|joblib|keras|model|onnx|pickle|pkl|pt|pth|safetensors|skops)$/i;

/** Form for the run, the model and the outputs of a new version. */
export class RegisterForm extends DialogForm<IRegistration> {
  /** `names`: of the models that there are. `load` returns the outputs of a run. */
  constructor(
    private _runs: readonly IExperimentRun[],
    private _names: readonly string[],
    private _load: (run: string) => Promise<IRunOutput[]>
  ) {
    super();
    this._run = _runs[0]?.id ?? '';
    this._name = _runs[0] ? runName(_runs[0]) : '';
    void this._loadOutputs();
  }

  getValue(): IRegistration {
    return {
      run: this._run,
      name: this._name.trim(),
      artifacts: [...this._files]
    };
  }

  protected render(): JSX.Element {
    return (
      <>
        <label>
          {trans.__('Run')}
          <select
            className="jp-mlws-Select jp-mod-styled"
            name="run"
            defaultValue={this._run}
            disabled={this._runs.length === 1}
            onChange={event => {
              this._run = event.target.value;
              void this._loadOutputs();
            }}
          >
            {this._runs.map(run => (
              <option key={run.run} value={run.id ?? ''}>
                {titleOf(run)} {run.started ? fullTime(run.started) : run.run}
              </option>
            ))}
          </select>
        </label>
        <label>
          {trans.__('Model')}
          <input
            className="jp-mod-styled"
            name="name"
            list="jp-mlws-models-known"
            autoComplete="off"
            spellCheck={false}
            defaultValue={this._name}
            onChange={event => {
              this._name = event.target.value;
            }}
          />
        </label>
        <datalist id="jp-mlws-models-known">
          {this._names.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <fieldset className="jp-mlws-RunOutputs" aria-busy={!this._outputs}>
          <legend>{trans.__('Outputs to include')}</legend>
          {this._error && <Failure error={this._error} />}
          {this._outputs?.map(output => this._choice(output))}
          {!this._error && this._outputs?.length === 0 && (
            <Hint>{trans.__('This run recorded no outputs.')}</Hint>
          )}
        </fieldset>
        <Hint>
          {trans.__(
            'Metrics, parameters and files come from the run, even if the files of the project have changed since.'
          )}
        </Hint>
      </>
    );
  }

  private _choice(output: IRunOutput): JSX.Element {
    const { path, size, store } = output;
    return (
      <label key={path} className="jp-mlws-Check">
        <input
          type="checkbox"
          name="artifacts"
          value={path}
          disabled={store === null}
          checked={this._files.has(path)}
          onChange={event => {
            if (event.target.checked) {
              this._files.add(path);
            } else {
              this._files.delete(path);
            }
            this.update();
          }}
        />
        <span>
          {path}{' '}
          <span className="jp-mlws-Run-fact">
            {this._state(output) ?? (size !== null ? fileSize(size) : '')}
          </span>
        </span>
      </label>
    );
  }

  /** Returns why an output is not at hand; null if it is. */
  private _state({ store, unreachable }: IRunOutput): string | null {
    if (store === 'remote') {
      return trans.__('not in the cache; fetched from the remote');
    }
    if (store !== null) {
      return null;
    }
    return unreachable
      ? trans.__(
          "not in the cache, and the remote “%1” can't be reached: %2",
          unreachable.remote,
          unreachable.reason
        )
      : trans.__('not available: neither the cache nor the remote has it');
  }

  private async _loadOutputs(): Promise<void> {
    const run = this._run;
    this._outputs = this._error = null;
    this._files.clear();
    this.update();
    let outputs: IRunOutput[] = [];
    let error: APIError | null = null;
    try {
      outputs = await this._load(run);
    } catch (reason) {
      error = apiError(reason);
    }
    if (run !== this._run || this.isDisposed) {
      return;
    }
    this._outputs = outputs;
    this._error = error;
    const available = outputs.filter(({ store }) => store !== null);
    const models = available.filter(({ path }) => MODEL_FILE.test(path));
    for (const { path } of available.length === 1 ? available : models) {
      this._files.add(path);
    }
    this.update();
  }

  private _run: string;
  private _name: string;
  private _files = new Set<string>();
  private _outputs: IRunOutput[] | null = null;
  private _error: APIError | null = null;
}
