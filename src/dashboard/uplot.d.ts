// /assets/uplot.js is the package's ES module: a browser knows no package names.
export { default } from 'uplot';
