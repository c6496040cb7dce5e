// Command provisioner makes a directory of the node for each claim and offers it as a local volume.
//
// A `local` volume (unlike hostPath) honours fsGroup, so pods that do not run as root may write to it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// directories keeps every volume as one directory under root, on the node called node.
type directories struct {
	root string
	node string
}

func (d *directories) path(volume string) string {
	return filepath.Join(d.root, filepath.Base(volume))
}

// Provision makes the directory and describes it; the size asked for is recorded, not enforced.
func (d *directories) Provision(
	_ context.Context, options controller.ProvisionOptions,
) (*core.PersistentVolume, controller.ProvisioningState, error) {
	claim := options.PVC.Spec
	if claim.VolumeMode != nil && *claim.VolumeMode == core.PersistentVolumeBlock {
		return nil, controller.ProvisioningFinished, fmt.Errorf("volumeMode Block is not offered: ask for Filesystem")
	}
	path := d.path(options.PVName)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// MkdirAll obeys the umask; pods of any user may write, as with other directory provisioners.
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return d.volume(options, path), controller.ProvisioningFinished, nil
}

// Delete removes the directory of the volume.
func (d *directories) Delete(_ context.Context, volume *core.PersistentVolume) error {
	return os.RemoveAll(d.path(volume.Name))
}

func (d *directories) volume(options controller.ProvisionOptions, path string) *core.PersistentVolume {
	here := core.NodeSelectorRequirement{
		Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{d.node},
	}
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: options.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			Capacity: core.ResourceList{
				core.ResourceStorage: options.PVC.Spec.Resources.Requests[core.ResourceStorage],
			},
			PersistentVolumeSource: core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: path}},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{
				NodeSelectorTerms: []core.NodeSelectorTerm{
					{MatchExpressions: []core.NodeSelectorRequirement{here}},
				},
			}},
		},
	}
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "file that says how to reach the API server")
	root := flag.String("root", "", "folder that holds the volumes")
	node := flag.String("node", "", "name of the node whose folder it is")
	name := flag.String("provisioner", "", "name that the StorageClass asks for")
	flag.Parse()

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		klog.Fatalf("kubeconfig %s: %v", *kubeconfig, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	controller.NewProvisionController(
		ctx, kubernetes.NewForConfigOrDie(config), *name,
		&directories{root: *root, node: *node},
		controller.LeaderElection(false), // one process on one node
	).Run(ctx)
}
