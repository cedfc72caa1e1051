"""What scikit-learn and XGBoost answer, written down for the tests of the serving side: a module per family of operators."""
