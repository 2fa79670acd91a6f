"""`aiox doctor`: everything the hub needs, looked at, each with the mend. Changes nothing."""
