#!/bin/sh
# Once per start, before everything else: both databases to this version, and the pools. Twice is the same as once.
set -eu
mkdir -p "$JOINT_NEEDS_HOME/landing" "$JOINT_NEEDS_HOME/snapshots"
joint-needs db migrate
airflow db migrate
airflow pools import "$AIRFLOW__CORE__DAGS_FOLDER/pools.json"
