import { LabIcon } from '@jupyterlab/ui-components';

import lineageSvg from '../../style/icons/lineage.svg';

export const lineageIcon = new LabIcon({
  name: 'jupyter-mlws:lineage',
  svgstr: lineageSvg
});
