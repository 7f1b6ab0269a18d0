import { DialogForm } from '../../lab/dialogForm';
import { Check } from '../../ui/controls';
import { trans } from '../../ui/locale';

/** Two versions by name. */
export interface INamedVersions {
  from: string;
  to: string;
  /** Begins where the second left the first. */
  isMergeBase: boolean;
}

const LIST = 'jp-mlws-compare-refs';

/** Form for two branches, tags or commits; `names` completes what is typed. */
export class CompareForm extends DialogForm<INamedVersions> {
  constructor(private _names: readonly string[]) {
    super();
  }

  getValue(): INamedVersions {
    const { from, to, isMergeBase } = this._value;
    return { from: from.trim(), to: to.trim() || 'HEAD', isMergeBase };
  }

  protected render(): JSX.Element {
    return (
      <>
        {this._input('from', trans.__('From branch, tag or commit'))}
        {this._input('to', trans.__('To branch, tag or commit'))}
        <datalist id={LIST}>
          {this._names.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <Check
          checked={this._value.isMergeBase}
          onChange={isMergeBase => this._set({ isMergeBase })}
        >
          {trans.__('Only what the second adds since it left the first')}
        </Check>
      </>
    );
  }

  private _input(name: 'from' | 'to', label: string): JSX.Element {
    return (
      <label>
        {label}
        <input
          className="jp-mod-styled"
          name={name}
          list={LIST}
          autoComplete="off"
          spellCheck={false}
          value={this._value[name]}
          onChange={event => this._set({ [name]: event.target.value })}
        />
      </label>
    );
  }

  private _set(change: Partial<INamedVersions>): void {
    this._value = { ...this._value, ...change };
    this.update();
  }

  private _value: INamedVersions = { from: '', to: 'HEAD', isMergeBase: false };
}
