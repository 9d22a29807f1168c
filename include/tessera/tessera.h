/* The whole SDK. A plugin may include only the header of its kind. */
#ifndef TESSERA_H
#define TESSERA_H

#include <tessera/activation.h>
#include <tessera/augmentation.h>
#include <tessera/base.h>
#include <tessera/codes.h>
#include <tessera/dataset.h>
#include <tessera/executor.h>
#include <tessera/graph.h>
#include <tessera/host.h>
#include <tessera/loss.h>
#include <tessera/multiversion.h>
#include <tessera/model.h>
#include <tessera/line.h>
#include <tessera/network.h>
#include <tessera/npy.h>
#include <tessera/op.h>
#include <tessera/optimizer.h>
#include <tessera/key.h>
#include <tessera/plugin.h>
#include <tessera/probe.h>
#include <tessera/regularizer.h>
#include <tessera/rng.h>
#include <tessera/schedule.h>
#include <tessera/status.h>

#endif
