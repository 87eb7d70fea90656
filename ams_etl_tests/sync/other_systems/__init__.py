"""Tests of syncs of HawkSoft, QQ Catalyst and MyCase, each written once for all three."""
