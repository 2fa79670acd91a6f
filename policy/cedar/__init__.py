"""Who may do what, as Cedar policies. Pure: texts and facts in, verdicts out. The one door of cedarpy."""
