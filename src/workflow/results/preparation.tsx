import type { IColumnPreparation } from '../../api/models';
import { trans } from '../../ui/locale';
import { Head } from '../../ui/table/heading';
import { columnKindText, kindReasonText } from '../labels';

/** The step of a model for each column, with the reason. */
export function PreparationTable({
  columns
}: {
  columns: IColumnPreparation[];
}): JSX.Element {
  return (
    <table
      className="jp-mlws-Table jp-mod-preparation"
      aria-label={trans.__('Preparation of columns')}
    >
      <Head
        names={[trans.__('Column'), trans.__('Preparation'), trans.__('Kind')]}
      />
      <tbody>
        {columns.map(column => (
          <tr key={column.name}>
            <th scope="row">{column.name}</th>
            <td>{stepText(column)}</td>
            <td>{stepReason(column)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Returns the description of a model's step for a column. */
function stepText({ step, gaps, fills_gaps }: IColumnPreparation): string {
  const gapText =
    gaps === 0 || !['numbers', 'dates'].includes(step)
      ? ''
      : fills_gaps
        ? trans._n(
            '%1 missing value filled with the median and marked',
            '%1 missing values filled with the median and marked',
            gaps
          )
        : trans._n(
            '%1 missing value left to the model',
            '%1 missing values left to the model',
            gaps
          );
  const words: Record<typeof step, string> = {
    numbers: trans.__('taken as a number'),
    dates: trans.__('split into year, month, day, weekday and time'),
    one_hot: trans.__('a column for each category'),
    target_encoding: trans.__('replaced by the mean target of each category'),
    texts: trans.__('columns of its words'),
    ignored: trans.__('ignored')
  };
  return [words[step], gapText].filter(Boolean).join('; ');
}

/** Returns the reason for a step: the kind of the column, and why it is of it. */
function stepReason({ kind, reason, step }: IColumnPreparation): string {
  const why =
    step === 'ignored' && kind === 'text'
      ? trans.__('too few rows to learn from its words')
      : step === 'ignored' && kind === 'date'
        ? trans.__('its values cannot be read as dates')
        : reason === 'chosen'
          ? trans.__('chosen by you')
          : kindReasonText(reason);
  return [columnKindText(kind), why].filter(Boolean).join(': ');
}
