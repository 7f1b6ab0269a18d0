import type { IRunComparison } from '../../api/models';
import { trans } from '../../ui/locale';

type Changes = IRunComparison['environments'];

/** Packages of one change that are named. */
const MAX_PACKAGES = 5;

/** Returns the packages that differ from another run, a line for the nodes of each environment. */
export function environmentTexts(changes: Changes): string[] {
  return changes.map(({ nodes, packages }) => {
    const texts = packages
      .slice(0, MAX_PACKAGES)
      .map(({ name, before, after }) => {
        const title = name === 'interpreter' ? trans.__('Interpreter') : name;
        return before === null
          ? `+${title} ${after}`
          : after === null
            ? `−${title} ${before}`
            : `${title} ${before} → ${after}`;
      });
    const more = packages.length - texts.length;
    if (more > 0) {
      texts.push(trans._n('%1 more package', '%1 more packages', more));
    }
    return trans.__(
      'Environment of %1: %2',
      nodes.join(', '),
      texts.join(', ')
    );
  });
}
