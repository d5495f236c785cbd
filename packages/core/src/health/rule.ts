/** From this evidence on a stratum is suspect, and holds its host. */
export const suspectEvidence = 20;

/** Units with bad requests before anything is suspected: less may be an accident of the moment (health-verdict §2.7). */
export const unitsForPersistence = 3;

/** Units with requests that make a history, of a host or of one it is compared with (health-verdict §2.4). */
export const unitsForHistory = 30;

/** Units with requests since the change before traffic passes a stratum. */
export const unitsForPass = 6;

/** Good rounds in a row before a probe passes: they exclude with 99 % that it is half broken (health-verdict §2.5). */
export const goodRoundsForPass = 8;

/** Failures in a row of a probe that nothing can be compared with: it never worked. */
export const failuresWithoutReference = 3;

/** Requests due while waiting below which traffic proves too little, and probes have to. */
export const requestsForTraffic = 81;
