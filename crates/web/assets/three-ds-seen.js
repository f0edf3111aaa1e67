// Tells the page around the hidden frame that the issuer has reported.
parent.postMessage("seen", location.origin);
