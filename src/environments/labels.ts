import type { IProjectEnvironment } from '../api/models';
import { trans } from '../ui/locale';

type EnvironmentState = IProjectEnvironment['state'];

export function stateLabel(state: EnvironmentState): string {
  switch (state) {
    case 'ready':
      return trans.__('Installed');
    case 'changed':
      return trans.__('Differs from lock');
    case 'unlocked':
      return trans.__('No lock');
    case 'missing':
      return trans.__('Not installed');
  }
}

export function stateHelp(state: EnvironmentState): string {
  switch (state) {
    case 'ready':
      return trans.__('What is installed is what the lock says.');
    case 'changed':
      return trans.__('Install to get the versions of the lock.');
    case 'unlocked':
      return trans.__('Without a lock, another computer gets other versions.');
    case 'missing':
      return trans.__('Install it to run nodes and notebooks in it.');
  }
}

/** Splits "pandas, scikit-learn >= 1.5" into requirements. */
export function splitPackages(text: string): string[] {
  return text
    .replace(/\s*(===|[<>=!~]=|[<>@])\s*/g, '$1')
    .replace(/,\s+(?=[<>=!~])/g, ',')
    .split(/[\s,]+(?![<>=!~])(?![^[]*\])/)
    .filter(Boolean);
}
