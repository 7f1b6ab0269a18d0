import { ReactWidget, UseSignal } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { cores, memorySize } from '../../ui/format';
import type { IOwnUsage } from '../../api/models';
import { FULL } from './meter';
import type { OwnUsageModel } from './ownUsage';

interface IProps {
  usage: IOwnUsage;
  language: string;
  trans: TranslationBundle;
}

function Usage(props: IProps): JSX.Element | null {
  const { usage, language, trans } = props;
  const { cpu, cpu_limit, memory, memory_limit } = usage;
  if (memory === null || memory_limit === null) {
    return null;
  }
  const isFull = memory >= FULL * memory_limit;
  const used = memorySize(memory, language);
  const most = memorySize(memory_limit, language);
  const parts = [trans.__('Memory %1 of %2', used, most)];
  if (cpu !== null && cpu_limit !== null) {
    const [now, limit] = [cores(cpu, language), cores(cpu_limit, language)];
    parts.push(trans.__('CPU %1 of %2', now, limit));
  }
  return (
    <span
      className={`jp-StatusBar-TextItem jp-mlws-UsageStatus${isFull ? ' jp-mod-full' : ''}`}
      title={
        isFull
          ? trans.__(
              'Memory is almost full. Close notebooks or resize the container.'
            )
          : trans.__('Resource usage')
      }
    >
      {parts.join(' · ')}
    </span>
  );
}

/** Memory and processor of this container against their limits, in the status bar. */
export class UsageStatus extends ReactWidget {
  constructor(
    private _model: OwnUsageModel,
    private _language: string,
    private _trans: TranslationBundle
  ) {
    super();
    this.id = 'jp-mlws-usage';
    this.addClass('jp-StatusBar-GroupItem');
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this._model.stateChanged}>
        {() =>
          this._model.usage && (
            <Usage
              usage={this._model.usage}
              language={this._language}
              trans={this._trans}
            />
          )
        }
      </UseSignal>
    );
  }
}
