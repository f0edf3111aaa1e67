// Sends the page's only form on its own.
document.forms[0].submit();
