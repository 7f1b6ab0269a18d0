import type { ITableProfile } from '../../api/models';
import { trans } from '../../ui/locale';
import { type ITableChoice, withRole } from './tableTemplate';

/** Rows of a class below which chance decides whether it is recognized. */
const MIN_CLASS_ROWS = 5;
/** Test rows below which most differences between models are chance. */
const MIN_TEST_ROWS = 50;

/** Returns the warnings to show before the run. */
export function advice(profile: ITableProfile, choice: ITableChoice): string[] {
  const texts: string[] = [];
  const { rows, columns, leaks } = profile;
  const name = withRole(choice, 'target');
  const target = columns.find(column => column.name === name);
  if (choice.task === 'clusters' || !target) {
    return texts;
  }
  if (choice.task === 'forecast') {
    texts.push(
      trans.__(
        'Each row is forecast from those before it. Ignore columns whose values are not known beforehand.'
      )
    );
    if (!withRole(choice, 'time')) {
      texts.push(trans.__('Give a column the role of the time.'));
    }
  }
  if (target.gaps > 0) {
    texts.push(
      trans._n(
        '%1 row without a target is left out.',
        '%1 rows without a target are left out.',
        target.gaps
      )
    );
  }
  if (
    choice.task === 'classification' &&
    target.smallest_class !== null &&
    target.smallest_class < MIN_CLASS_ROWS
  ) {
    texts.push(
      trans._n(
        'The rarest class has %1 row: it can hardly be learned.',
        'The rarest class has %1 rows: it can hardly be learned.',
        target.smallest_class
      )
    );
  }
  if ((rows - target.gaps) * choice.testSize < MIN_TEST_ROWS) {
    texts.push(
      trans.__(
        'Few rows judge the models: small differences between them are chance.'
      )
    );
  }
  const dates = columns
    .map(column => column.name)
    .filter(
      one =>
        (choice.kinds[one] ?? columns.find(own => own.name === one)?.kind) ===
          'date' && (choice.roles[one] ?? 'feature') === 'feature'
    );
  if (
    dates.length > 0 &&
    !withRole(choice, 'time') &&
    !withRole(choice, 'group')
  ) {
    texts.push(
      trans.__(
        'The rows have dates (%1), and are split at random. To predict later rows, give one the role of the time.',
        dates.join(', ')
      )
    );
  }
  if (profile.repeated > 0) {
    texts.push(
      trans._n(
        '%1 row is repeated: where its copy is learned from, it says nothing about new rows.',
        '%1 rows are repeated: where their copies are learned from, they say nothing about new rows.',
        profile.repeated
      )
    );
  }
  if (name === profile.target) {
    leaks
      .filter(leak => (choice.roles[leak] ?? 'feature') === 'feature')
      .forEach(leak =>
        texts.push(
          trans.__(
            '“%1” alone tells the target: if it is not known beforehand, ignore it.',
            leak
          )
        )
      );
  }
  return texts;
}

export function splitText(choice: ITableChoice): string {
  const time = withRole(choice, 'time');
  const group = withRole(choice, 'group');
  if (time) {
    return trans.__('The latest rows by “%1” judge.', time);
  }
  if (group) {
    return trans.__('Rows with the same “%1” stay together.', group);
  }
  return choice.task === 'classification'
    ? trans.__('Chosen at random, with the same shares of each class.')
    : trans.__('Chosen at random.');
}

export function modelText(name: string): string {
  const words: Record<string, string> = {
    baseline: trans.__('Baseline (guesses)'),
    naive: trans.__('Naive: the value of the row before'),
    seasonal_naive: trans.__('Naive: the value of a season before'),
    logistic_regression: trans.__('Logistic regression'),
    ridge: trans.__('Ridge regression'),
    random_forest: trans.__('Random forest')
  };
  return words[name] ?? trans.__('Gradient boosting');
}
